// The page beside its comments: who is looking, and how they log in. Loaded by page.html, before the comments are.

import { watchCalls } from "./calls.js";

const part = (id) => document.getElementById(id);
const comments = part("comments");

async function logInAs(who) {
  await fetch("/login", { method: "POST", body: new URLSearchParams({ who }), redirect: "manual" });
  const { reader } = await (await fetch("/reader")).json();
  for (const choice of part("switch").elements.who) {
    const isChosen = choice.value === (reader?.key ?? "");
    choice.setAttribute("aria-pressed", String(isChosen));
    if (isChosen) part("moderate").hidden = !choice.hasAttribute("data-moderator");
  }
  await comments.refreshLogin();
}

// The same readers by another way: the page may hand out a token, or the browser sends the blog's cookie.
function logInBy(kind) {
  comments.tokenUrl = kind === "token" ? "/token" : null;
  comments.credentials = kind === "cookie" ? "include" : null;
}

part("switch").addEventListener("submit", (event) => {
  event.preventDefault();
  logInAs(event.submitter.value);
});
part("credential").addEventListener("change", () => logInBy(part("credential").elements.credential.value));

watchCalls();
await customElements.whenDefined("gatepost-comments");
await comments.load();
document.body.classList.remove("opening");
if (location.hash.startsWith("#comments-")) comments.focusForm();
