// The panel that shows every call of the page as a line of curl: those of the comments and those of this page's scripts.

import { button, element, say } from "./dom.js";

const KEPT = 60;
const SENT = "…";
const COOKIE_JAR = "blog.cookies";
const SHOWN_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key"];

// From now on: whatever is fetched is shown. What the browser loads by itself (scripts, the live stream) is not.
export function watchCalls() {
  const { fetch } = window;
  window.fetch = async (address, options = {}) => {
    const answered = record(asCurl(new URL(address, location.href), options));
    try {
      const response = await fetch(address, options);
      answered(`${response.status} ${response.statusText}`.trim());
      return response;
    } catch (error) {
      answered("no answer");
      throw error;
    }
  };
}

// Show one line; returns a function that is told how it was answered.
function record({ line, name }) {
  const status = element("span", { class: "call-status" }, SENT);
  const copy = button("Copy", () => copyLine(line), { "aria-label": `Copy: ${name}` });
  const item = element("li", {}, element("p", { class: "call-head" }, status, copy), element("code", {}, line));
  const list = document.getElementById("call-list");
  list.prepend(item);
  while (list.children.length > KEPT) list.lastElementChild.remove();
  return (answer) => {
    status.textContent = answer;
    status.classList.toggle("refused", !/^[123]/.test(answer));
  };
}

// The same request for a terminal. The browser sends cookies itself, and says from which page; curl has to be told both.
function asCurl(url, { method = "GET", headers = {}, body, credentials = "same-origin" }) {
  const words = ["curl", quoted(url.href)];
  const isLogin = url.pathname === "/login";
  if (method !== "GET" && !(method === "POST" && body !== undefined)) words.push("-X", method);
  const isOwn = url.origin === location.origin;
  if (isLogin) words.push("-c", COOKIE_JAR);
  else if (credentials === "include" || (isOwn && credentials === "same-origin")) words.push("-b", COOKIE_JAR);
  if (!isOwn && credentials === "include") words.push("-H", quoted(`Origin: ${location.origin}`));
  for (const name of SHOWN_HEADERS) if (headers[name]) words.push("-H", quoted(`${name}: ${headers[name]}`));
  if (body !== undefined) words.push("--data-raw", quoted(String(body)));
  return { line: words.join(" "), name: `${method} ${url.href}` };
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
