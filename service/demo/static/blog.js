// The page beside its comments: who is looking, and the moderator's panel. Loaded by page.html, before the comments are.

import { watchCalls } from "./calls.js";
import { say } from "./dom.js";
import { Gatepost, wordsOf } from "./gatepost.js";
import { drawQueue } from "./moderation.js";

const { gatepost: address, site } = document.body.dataset;
const part = (id) => document.getElementById(id);
const comments = part("comments");

// `turn` counts the readers: an answer to an older one (to somebody else!) is never drawn.
const page = { turn: 0, who: document.body.dataset.reader };
const kindOfLogin = () => part("credential").elements.credential.value;

// --- The moderator's panel -------------------------------------------------------------------------------------------

const gatepost = () => new Gatepost({ address, site, kind: kindOfLogin() });

async function lookAtQueue() {
  const { turn } = page;
  const { isModerator } = choiceOf(page.who);
  part("queue").hidden = !isModerator;
  part("jump").href = isModerator ? "#queue" : "#comments";
  part("jump").textContent = isModerator ? "To the queue" : "To the comments";
  if (!isModerator) return part("queue-entries").replaceChildren();
  try {
    const { entries, total } = await gatepost().send("GET", "/queue");
    if (turn !== page.turn) return;
    say(part("queue-notice"), total === 1 ? "One comment waits." : `${total || "No"} comments wait.`);
    drawQueue(part("queue-entries"), entries, { decide, undo, refresh: lookAtQueue });
  } catch (error) {
    say(part("queue-notice"), wordsOf(error), { problem: true });
  }
}

async function decide({ comment }, action, note) {
  const told = note.trim() ? { note_to_author: note.trim() } : {};
  return gatepost().send("POST", `/comments/${comment.id}/decisions`, { action, version: comment.version, ...told });
}

async function undo({ id }) {
  await gatepost().send("POST", `/decisions/${id}/undo`);
  await lookAtQueue();
  part("queue-heading").focus();
}

// --- Who is looking --------------------------------------------------------------------------------------------------

function choiceOf(who) {
  const choice = [...part("switch").elements.who].find(({ value }) => value === who);
  return { choice, isModerator: choice.hasAttribute("data-moderator") };
}

async function logInAs(who) {
  await fetch("/login", { method: "POST", body: new URLSearchParams({ who }), redirect: "manual" });
  const { reader } = await (await fetch("/reader")).json();
  page.who = reader?.key ?? "";
  page.turn += 1;
  for (const choice of part("switch").elements.who) choice.setAttribute("aria-pressed", String(choice.value === page.who));
  await Promise.all([comments.refreshLogin(), lookAtQueue()]);
}

// The same readers by another way: the page may hand out a token, or the browser sends the blog's cookie.
async function logInBy(kind) {
  page.turn += 1;
  comments.tokenUrl = kind === "token" ? "/token" : null;
  comments.credentials = kind === "cookie" ? "include" : null;
  await lookAtQueue();
}

// --- Start -----------------------------------------------------------------------------------------------------------

part("switch").addEventListener("submit", (event) => {
  event.preventDefault();
  logInAs(event.submitter.value);
});
part("credential").addEventListener("change", () => logInBy(kindOfLogin()));
part("queue-refresh").addEventListener("click", lookAtQueue);
for (const name of ["comment-sent", "comment-edited", "comment-withdrawn"]) {
  comments.addEventListener(`gatepost:${name}`, lookAtQueue);
}

watchCalls();
await customElements.whenDefined("gatepost-comments");
await Promise.all([comments.load(), lookAtQueue()]);
document.body.classList.remove("opening");
if (location.hash.startsWith("#comments-")) comments.focusForm();
