// The form in which a comment, a reply or an edit is written. Used by `blog.js` and `comments.js`.

import { say } from "./dom.js";
import { Refusal } from "./gatepost.js";

// A form that hands its text to `send(text, key)` and says how that went.
//
// The key goes along as Idempotency-Key and stays the same until the text changes. So nothing stops a second click, and
// nothing needs to: it repeats the same request, and Gatepost gives the first answer again.
export function textForm({ label, action, text = "", thanks = "", send, cancel = null }) {
  const form = document.getElementById("text-form").content.firstElementChild.cloneNode(true);
  const area = form.elements.body;
  const notice = form.querySelector("[data-notice]");
  form.querySelector("[data-label]").textContent = label;
  form.querySelector("[data-send]").textContent = action;
  offerCancel(form.querySelector("[data-cancel]"), cancel);
  area.value = text;

  let key = crypto.randomUUID();
  area.addEventListener("input", () => {
    key = crypto.randomUUID();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!area.value.trim()) {
      // The second click of a double click may find the form emptied: then the thanks of the first stay.
      if (!notice.textContent) say(notice, "Write something first.", { problem: true });
      return;
    }
    const written = area.value;
    say(notice, "");
    try {
      await send(written, key);
    } catch (error) {
      say(notice, wordsOf(error), { problem: true });
      return;
    }
    if (area.value === written) area.value = "";
    say(notice, thanks);
  });
  return form;
}

// A refusal in words; whatever else went wrong is a mistake of this page and goes to the console.
export function wordsOf(error) {
  if (error instanceof Refusal) return error.words;
  throw error;
}

function offerCancel(button, cancel) {
  if (cancel) button.addEventListener("click", cancel);
  else button.remove();
}
