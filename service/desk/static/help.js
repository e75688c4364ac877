// The dialog that lists the keys, changes them, and switches them off.

import { all, aloud, find, word } from "./page.js";
import { prefer, pressed, setLetter, startLetters } from "./letters.js";

let recording = null;

export const openHelp = () => {
  recording = null;
  find("#help-said").textContent = "";
  find("#help").showModal();
};

const record = (event) => {
  if (!recording) return;
  event.preventDefault();
  const { dataset } = recording;
  const letter = pressed(event);
  if (letter === "escape" || letter === "tab") recording = null;
  else if (letter.length !== 1 || letter === " ") return;
  else if (setLetter(dataset.change, letter)) recording = null;
  find("#help-said").textContent = recording ? word("key-taken") : "";
};

export const startHelp = () => {
  startLetters();
  const dialog = find("#help");
  find("#tools [data-do=help]").addEventListener("click", openHelp);
  dialog.addEventListener("change", prefer);
  dialog.addEventListener("keydown", record);
  dialog.addEventListener("close", () => aloud(""));
  for (const button of all("[data-change]", dialog)) {
    button.addEventListener("click", () => {
      recording = button;
      find("#help-said").textContent = word("key-press");
    });
  }
};
