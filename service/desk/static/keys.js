// Keys and presses: what may decide, and what is too fast to be meant.

import { all, aloud, cards, find, isOpen, main, word } from "./page.js";
import { choose, current, isArmed, move, show } from "./place.js";
import { decide, nextConflict, undo } from "./sending.js";
import { areOff, meaningOf, needAlt, pressed } from "./letters.js";
import { openHelp, startHelp } from "./help.js";
import { showArrivals } from "./live.js";
import { refill, take } from "./claims.js";

const PAUSE_MILLISECONDS = 200;
const MOST_MARKED = 500;
const DECISIONS = ["approve", "reject", "spam", "discard_edit"];
let last = -Infinity;
let lastMarked = null;

const follow = (css) => {
  if (current()) find(css, current())?.click();
};

const openField = (field) => {
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
};

const boxOf = () => current() && find(".mark input", current());

const markCurrent = () => {
  const box = boxOf();
  if (!box) return;
  box.checked = !box.checked;
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
  for (const box of all(".mark input").slice(0, MOST_MARKED)) box.checked = isOn;
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
  undo,
  note: () => openField(current() && find("form.decide [name=reason]", current())),
  open: () => follow(".where > a:last-of-type"),
  post: () => follow(".where > a"),
  author: () => follow("header h2 a"),
  take,
  mark: markCurrent,
  markTo: () => boxOf() && markTo(boxOf()),
  arrivals: showArrivals,
  needs: nextConflict,
  search: () => openField(find(".filter [name=q]")),
  help: openHelp,
  unmark: () => markAll(false),
};

const isField = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

const leaveField = (event) => {
  if (event.key !== "Escape" && (event.key !== "Enter" || event.target.name !== "reason")) return;
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
  let name = letter === "enter" && isOnCard ? "open" : meaningOf(letter);
  if (event.shiftKey && /^[a-z]$/.test(letter)) name = name === "mark" && "markTo";
  if (!name) return;
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
  for (const whole of all("#mark-all")) {
    whole.hidden = false;
    whole.addEventListener("click", () => markAll(true));
  }
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
