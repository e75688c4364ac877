// Keys and presses: what may decide, and what is too fast to be meant.

import { all, aloud, cards, find, isOpen, main, word } from "./page.js";
import { choose, current, isArmed, move, show } from "./place.js";
import { decide, nextConflict, undo } from "./sending.js";
import { areOff, meaningOf, needAlt, pressed } from "./letters.js";
import { openHelp, startHelp } from "./help.js";
import { showArrivals } from "./live.js";
import { refill, take } from "./claims.js";

const PAUSE_MILLISECONDS = 200;
const DECISIONS = ["approve", "reject", "spam", "discard_edit"];
let last = -Infinity;
let lastMarked = null;

const follow = (css) => {
  const link = current() && find(css, current());
  if (link) link.click();
};

const openNote = () => {
  const field = current() && find("form.decide [name=reason]", current());
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
};

const markCurrent = () => {
  const box = current() && find(".mark input", current());
  if (box) setMark(box, !box.checked);
};

const setMark = (box, isOn) => {
  box.checked = isOn;
  lastMarked = box;
};

// Marks everything from the one that was marked last to this one.
const markTo = (box) => {
  const boxes = all(".mark input");
  const ends = [boxes.indexOf(boxes.includes(lastMarked) ? lastMarked : box), boxes.indexOf(box)].sort((one, other) => one - other);
  for (const one of boxes.slice(ends[0], ends[1] + 1)) one.checked = true;
  lastMarked = box;
};

const markAll = (isOn) => {
  for (const box of all(".mark input")) box.checked = isOn;
};

const decideByKey = (action) => {
  const card = current();
  const button = isOpen(card) && find(`form.decide button[value=${action}]`, card);
  if (!button) return;
  if (!isArmed()) {
    show();
    return aloud(word("too-fast"));
  }
  const held = button.closest("details.anyway");
  if (held && !held.open) {
    held.open = true;
    return aloud(find(".claim", card).textContent);
  }
  last = performance.now();
  decide(card, button);
  refill();
};

const ACTS = {
  next: () => move(1),
  previous: () => move(-1),
  undo: () => undo(),
  note: openNote,
  open: () => follow(".where > a:last-of-type"),
  post: () => follow(".where > a"),
  author: () => follow("header h2 a"),
  take,
  mark: markCurrent,
  arrivals: showArrivals,
  needs: nextConflict,
  search: () => {
    const field = find(".filter [name=q]");
    if (!field) return;
    field.closest("details").open = true;
    field.focus();
  },
  help: openHelp,
  unmark: () => markAll(false),
};

const isField = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

const leaveField = (event) => {
  const isDone = event.key === "Escape" || (event.key === "Enter" && event.target.name === "reason");
  if (!isDone) return;
  event.preventDefault();
  (event.target.closest("[data-card]") ?? current() ?? main).focus({ preventScroll: true });
};

const hear = (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (find("dialog[open]")) return;
  if (isField(event.target)) return leaveField(event);
  if (areOff() || event.altKey !== needAlt()) return;
  const letter = pressed(event);
  const isOnCard = event.target === document.body || event.target.matches?.("[data-card], main");
  if (letter === "x" && event.shiftKey && meaningOf("x") === "mark") {
    const box = current() && find(".mark input", current());
    if (box) markTo(box);
    return;
  }
  const name = letter === "enter" && isOnCard ? "open" : meaningOf(letter);
  if (!name || (event.shiftKey && /^[a-z]$/.test(letter))) return;
  event.preventDefault();
  // A key that is held says the same again and again: it may go on through the list, and no more.
  if (event.repeat && name !== "next" && name !== "previous") return;
  if (DECISIONS.includes(name)) decideByKey(name);
  else ACTS[name]();
};

// The buttons of cards. What is pressed right behind another press was meant for what stood there before.
const press = (event) => {
  const card = event.target.closest("[data-card]");
  const button = event.submitter;
  if (!card || !button || !event.target.matches("form.decide, form.settled")) return;
  event.preventDefault();
  if (performance.now() - last < PAUSE_MILLISECONDS) return aloud(word("too-fast"));
  last = performance.now();
  if (event.target.matches(".settled")) return undo(card.dataset.commentId);
  decide(card, button);
  refill();
};

export const startKeys = () => {
  startHelp();
  document.addEventListener("keydown", hear);
  document.addEventListener("submit", press);
  const whole = find("#mark-all");
  if (whole) whole.hidden = false;
  whole?.addEventListener("click", () => markAll(true));
  document.addEventListener("click", (event) => {
    const box = event.target.closest(".mark input");
    if (!box) return;
    if (event.shiftKey) markTo(box);
    else lastMarked = box;
  });
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest("[data-card]");
    if (card && card !== current() && cards().includes(card)) choose(card);
  });
};
