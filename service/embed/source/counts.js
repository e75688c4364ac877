// <gatepost-count>: how many comments a post has. All of a page are asked for together.

import { languageOf, serviceOf } from "./place.js";
import { plural } from "./plural.js";

const FORMS = { zero: "No comments", one: "{count} comment", other: "{count} comments" };
const AT_MOST = 200;
let waiting = new Set();

const askCounts = async (root, elements) => {
  const posts = [...new Set(elements.map((element) => element.post))].sort();
  while (posts.length) {
    const query = new URLSearchParams(posts.splice(0, AT_MOST).map((post) => ["post", post]));
    try {
      const { counts } = await (await fetch(`${root}/counts?${query}`, { credentials: "omit" })).json();
      for (const element of elements) if (element.post in counts) element.show(counts[element.post]);
    } catch {
      // What stands in the element stays.
    }
  }
};

const askWaiting = () => {
  const byRoot = new Map();
  for (const element of waiting) {
    const root = `${serviceOf(element)}v1/sites/${element.site}`;
    byRoot.set(root, [...(byRoot.get(root) ?? []), element]);
  }
  waiting = new Set();
  for (const [root, elements] of byRoot) askCounts(root, elements);
};

export class GatepostCount extends HTMLElement {
  static observedAttributes = ["site", "post", "service"];

  get post() {
    return this.getAttribute("post");
  }

  get site() {
    return this.getAttribute("site");
  }

  connectedCallback() {
    this.style.whiteSpace = "nowrap";
    this.listening = new AbortController();
    const heard = ({ target, detail }) => target.site === this.site && detail.post === this.post && this.show(detail.count);
    document.addEventListener("gatepost:count", heard, this.listening);
    this.ask();
  }

  disconnectedCallback() {
    this.listening.abort();
    waiting.delete(this);
  }

  attributeChangedCallback() {
    if (this.isConnected && this.listening) this.ask();
  }

  ask() {
    if (!this.post || !this.site) return;
    if (!waiting.size) setTimeout(askWaiting, 16);
    waiting.add(this);
  }

  show(n) {
    const isNumber = this.getAttribute("format") === "number";
    const own = (rule) => (isNumber ? "{count}" : this.getAttribute(`text-count.${rule}`));
    this.textContent = plural(languageOf(this), n, own, (rule) => FORMS[rule]);
  }
}
