// Which key does what. Everybody may change that in this browser, or switch the keys off.

import { all, find } from "./page.js";

const STORED = "gatepost-desk-keys";
const DEFAULTS = Object.fromEntries(all("kbd[data-key]").map((key) => [key.dataset.key, key.textContent]));
const ALSO = { z: "undo", h: "help", escape: "unmark" };
let chosen = { isOff: false, letters: {} };

const letters = () => ({ ...DEFAULTS, ...chosen.letters });

export const areOff = () => chosen.isOff;
export const needAlt = () => chosen.withAlt === true;
export const dwellMilliseconds = () => chosen.dwell ?? 200;
export const letterOf = (name) => letters()[name];

// What a key does. What somebody chose goes before what it does otherwise.
export const meaningOf = (letter) => {
  const found = Object.entries(letters()).find(([, one]) => one === letter);
  return found ? found[0] : ALSO[letter];
};

// The letter on the key; where that is none of a to z (Cyrillic, Greek...), the one that is there on a Latin keyboard.
export const pressed = (event) => {
  const key = event.key.toLowerCase();
  if (key.length === 1 && key > "~" && event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return key;
};

// Buttons say which key they have.
export const showLetters = (within = document) => {
  for (const key of all("kbd[data-key]", within)) key.textContent = letterOf(key.dataset.key);
  for (const button of all("form.decide button[value], form.settled button, .claims button", within)) {
    const letter = letterOf(button.value || "undo");
    button.ariaKeyShortcuts = letter && !areOff() ? (needAlt() ? "Alt+" : "") + letter : null;
  }
};

const keep = () => {
  try {
    localStorage.setItem(STORED, JSON.stringify(chosen));
  } catch {
    return;
  }
};

// What else can be chosen: whether they are off, whether they need Alt, how long a card must have been seen.
export const prefer = () => {
  chosen.isOff = !find("#keys-on").checked;
  chosen.withAlt = find("#keys-alt").checked;
  chosen.dwell = Number(find("#keys-dwell").value);
  keep();
  showLetters();
};

// Gives a key another meaning. Returns whether it was free.
export const setLetter = (name, letter) => {
  const owner = meaningOf(letter);
  if (owner && owner !== name) return false;
  chosen.letters[name] = letter;
  keep();
  showLetters();
  return true;
};

export const startLetters = () => {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED));
    if (stored) chosen = { ...stored, isOff: stored.isOff === true, letters: { ...stored.letters } };
  } catch {
    return;
  } finally {
    find("#keys-on").checked = !chosen.isOff;
    find("#keys-alt").checked = needAlt();
    find("#keys-dwell").value = dwellMilliseconds();
    showLetters();
  }
};
