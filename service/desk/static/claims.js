// What a moderator holds: more of it, and for longer while somebody works.

import { adopt, all, aloud, ask, cardOf, cards, find, isOpen, many, tell, word } from "./page.js";
import { keepPlace, swap } from "./place.js";
import { append } from "./sending.js";

const RENEW_MILLISECONDS = 240000;
const IDLE_MILLISECONDS = 300000;
let active = 0;

const claims = async (fields) => {
  const form = find(".claims");
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of fields) body.append(name, value);
  return ask("POST", form.getAttribute("action"), body);
};

// Takes the next ones, without leaving the page.
export const take = async () => {
  const button = find(".claims [value=take]");
  if (!button) return;
  if (!cards().length) return button.click();
  const reply = await claims([["do", "take"]]);
  if (reply.status !== 200) return aloud(find("[data-problem]", reply.page)?.textContent ?? word("no-reply"));
  const found = adopt(reply, "[data-card]");
  for (const card of found) {
    const old = cardOf(card.dataset.commentId);
    if (isOpen(old)) swap(old, card);
  }
  append(found.filter((card) => !card.isConnected));
  aloud(many("taken", found.length));
};

const renew = async () => {
  const held = cards().filter((card) => isOpen(card) && card.dataset.claim === "mine");
  if (document.hidden || !held.length || performance.now() - active > IDLE_MILLISECONDS) return;
  const reply = await claims([["do", "renew"], ...held.map((card) => ["comment", card.dataset.commentId])]);
  if (reply.status !== 200) return;
  const lines = new Map(all("[data-comment-id]", reply.page).map((line) => [line.dataset.commentId, line.textContent]));
  for (const card of held.filter(isOpen)) {
    const line = lines.get(card.dataset.commentId);
    keepPlace(() => {
      find(".claim", card).textContent = line ?? "";
      if (!line) card.dataset.claim = "free";
      if (!line) tell(card, word("lost"));
    }, card);
  }
};

export const startClaims = () => {
  for (const name of ["keydown", "pointerdown"]) {
    addEventListener(name, () => {
      active = performance.now();
    }, { passive: true });
  }
  if (find(".claims")) setInterval(renew, RENEW_MILLISECONDS);
};
