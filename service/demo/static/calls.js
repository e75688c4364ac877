// The panel that shows every call of the page as a line of curl. `gatepost.js` and `blog.js` write into it.

import { button, element, say } from "./dom.js";

const KEPT = 60;
const SENT = "…";

// Show one call; returns a function that is told how it was answered.
export function record(call) {
  const line = asCurl(call);
  const status = element("span", { class: "call-status" }, SENT);
  const copy = button("Copy", () => copyLine(line), { "aria-label": `Copy: ${call.method} ${call.url}` });
  const item = element("li", {}, element("p", { class: "call-head" }, status, copy), element("code", {}, line));
  const list = document.getElementById("call-list");
  list.prepend(item);
  while (list.children.length > KEPT) list.lastElementChild.remove();
  return (answer) => {
    status.textContent = answer;
    status.classList.toggle("refused", !/^[123]/.test(answer));
  };
}

// The same request for a terminal.
function asCurl({ method, url, headers = {}, body, options = [] }) {
  const words = ["curl", quoted(url), ...options];
  if (method !== "GET" && !(method === "POST" && body !== undefined)) words.push("-X", method);
  for (const [name, value] of Object.entries(headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (body !== undefined) words.push("--data-raw", quoted(body));
  return words.join(" ");
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

async function copyLine(line) {
  const notice = document.getElementById("calls-notice");
  try {
    await navigator.clipboard.writeText(line);
    say(notice, "Copied.");
  } catch {
    say(notice, "The browser does not let this page copy: select the line instead.", { problem: true });
  }
}
