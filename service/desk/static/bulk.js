// Deciding about many goes on by itself, piece by piece, until somebody stops it.

import { find, main, saidIn, send, word } from "./page.js";

let isStopped = false;

const onwards = () => find("#onwards");

// While it goes on there is a button to stop it; else one to go on.
const show = (isGoing) => {
  onwards().hidden = isGoing;
  find("#stop").hidden = !isGoing;
  if (isGoing) find("#stop").focus();
};

const goOn = async () => {
  while (onwards()) {
    show(!isStopped);
    if (isStopped) return;
    const form = onwards();
    const reply = await send(form.getAttribute("action"), new URLSearchParams(new FormData(form)));
    if (reply.status !== 201 || !reply.page) {
      show(false);
      find("#said").textContent = saidIn(reply) ?? word("no-reply");
      return;
    }
    main.replaceChildren(...document.adoptNode(find("main", reply.page)).childNodes);
    main.focus();
  }
};

document.addEventListener("click", (event) => {
  if (event.target.id !== "stop") return;
  isStopped = true;
  event.target.disabled = true;
});

// Who comes back to this page, or loads it again, is asked first.
if (performance.getEntriesByType("navigation")[0].type === "navigate") goOn();
