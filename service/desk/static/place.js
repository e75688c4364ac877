// Which card is the current one, where it stands on the screen, and whether somebody can have seen it.

import { all, cards, find, isOpen, main } from "./page.js";
import { dwellMilliseconds, showLetters } from "./letters.js";

const GAP = 8;
let now = null;
let dwelling = 0;

export const current = () => now;
export const isArmed = () => now?.dataset.armed !== undefined;

const topOf = (card) => card.getBoundingClientRect().top;
const ceiling = () => Math.max(0, find("#tools").getBoundingClientRect().bottom);

const isSeen = (card) => {
  const { top, bottom } = card.getBoundingClientRect();
  const room = innerHeight - ceiling();
  const shown = Math.min(bottom, innerHeight) - Math.max(top, ceiling());
  return !document.hidden && shown >= 0.6 * Math.min(bottom - top, room);
};

// A decision counts only for a card that could be seen for a moment: `data-armed` says so.
const watch = () => {
  if (!now) return;
  if (!isOpen(now) || !isSeen(now)) {
    clearTimeout(dwelling);
    dwelling = 0;
    delete now.dataset.armed;
  } else if (!dwelling && !isArmed()) {
    dwelling = setTimeout(() => {
      dwelling = 0;
      if (isOpen(now) && isSeen(now)) now.dataset.armed = "";
    }, dwellMilliseconds());
  }
};

export const choose = (card) => {
  for (const old of all("[data-card][aria-current]")) {
    old.removeAttribute("aria-current");
    delete old.dataset.armed;
  }
  clearTimeout(dwelling);
  dwelling = 0;
  now = card;
  now?.setAttribute("aria-current", "true");
  watch();
};

const holdAt = (wanted, changed) => {
  scrollBy(0, topOf(now) - wanted);
  const rest = wanted - topOf(now);
  // Where the page cannot be scrolled that far, what has changed keeps some of its room, or the page gets more below.
  if (rest > 1 && changed) {
    changed.style.minBlockSize = `${changed.offsetHeight + rest}px`;
  } else if (rest < -1) {
    main.style.paddingBlockEnd = `${parseFloat(getComputedStyle(main).paddingBlockEnd) - rest}px`;
    scrollBy(0, -rest);
  }
};

// Changes something without moving the current card on the screen.
export const keepPlace = (change, changed) => {
  const before = now?.isConnected ? topOf(now) : null;
  change();
  if (now?.isConnected && before !== null) holdAt(before, changed);
  watch();
};

// Puts a card in the place of another one, with the fields into which somebody has written or writes, and its mark.
export const swap = (old, card) => {
  const { activeElement } = document;
  const isFocused = old.contains(activeElement);
  for (const field of all("textarea", old)) {
    const same = find(`[name=${field.name}]`, card);
    if (!same || !(field.value || field === activeElement)) continue;
    same.closest("details").open = true;
    same.replaceWith(field);
  }
  const [was, is] = [old, card].map((one) => find(".mark input", one));
  if (is?.value === was?.value) is?.replaceWith(was);
  showLetters(card);
  keepPlace(() => {
    old.replaceWith(card);
    if (old === now) choose(card);
  }, card);
  card.tabIndex = -1;
  if (isFocused) (card.contains(activeElement) ? activeElement : card).focus({ preventScroll: true });
};

// Makes a card the current one. It comes to where the last one stood, or as near as it can be seen whole.
export const moveTo = (card) => {
  if (!card) return;
  const { height } = card.getBoundingClientRect();
  const least = ceiling() + GAP;
  const place = now?.isConnected ? topOf(now) : topOf(card);
  const wanted = Math.max(least, Math.min(place, innerHeight - height - GAP));
  choose(card);
  scrollBy(0, topOf(card) - wanted);
  card.tabIndex = -1;
  card.focus({ preventScroll: true });
  watch();
};

// Brings the current card back where it can be seen, wherever somebody has scrolled to.
export const show = () => {
  if (now && !isSeen(now)) moveTo(now);
};

export const move = (step) => {
  const list = cards();
  moveTo(list[now ? list.indexOf(now) + step : 0]);
};

// To the next card that somebody must decide about: behind this one, else from the top.
export const moveOn = () => {
  const list = cards();
  const at = list.indexOf(now);
  const following = [...list.slice(at + 1), ...list.slice(0, Math.max(at, 0))];
  moveTo(following.find((card) => card.dataset.state === "waiting") ?? following.find(isOpen));
};

export const startPlace = () => {
  choose(cards().find(isOpen) ?? null);
  addEventListener("scroll", watch, { passive: true });
  addEventListener("resize", watch);
  document.addEventListener("visibilitychange", watch);
};
