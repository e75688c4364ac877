// A comment's HTML into the page. The service has made it safe; here it passes a second wall, with the same list.

import { make } from "./make.js";
import ALLOWED from "./allowed.json" with { type: "json" };

const REL = "nofollow ugc noopener";
const SANITIZER = {
  elements: Object.entries(ALLOWED).map(([name, attributes]) => ({ name, attributes: Object.keys(attributes) })),
  attributes: [],
};

// Where the page enforces Trusted Types and the browser has no `setHTML`, the page must allow the policy `gatepost`.
let policy;
const inert = (html) => {
  policy ??= globalThis.trustedTypes?.createPolicy("gatepost", { createHTML: (text) => text });
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html").body;
};

const copy = (from, into) => {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
    const allowed = ALLOWED[node.localName];
    if (!allowed) continue;
    const made = make(node.localName);
    for (const { name, value } of node.attributes) {
      if (allowed[name] && new RegExp(`^(?:${allowed[name]})$`, "i").test(value)) made.setAttribute(name, value);
    }
    copy(node, made);
    into.append(made);
  }
};

export const show = (html, into) => {
  try {
    if (into.setHTML) into.setHTML(html, { sanitizer: SANITIZER });
    else copy(inert(html), into);
  } catch {
    into.textContent = html.replace(/<[^>]*>/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  }
  for (const link of into.querySelectorAll("a")) {
    link.rel = REL;
    if (!/^(https?:|mailto:)/i.test(link.getAttribute("href") ?? "")) link.removeAttribute("href");
  }
  return into;
};
