// <gatepost-comments>: its attributes, its methods, and when it begins.

import { whenNear } from "./near.js";
import { serviceOf } from "./place.js";
import { soughtIn } from "./sought.js";
import { Thread } from "./thread.js";
import STYLE from "./style.css" with { type: "css" };

const NAMES = [
  "site", "post", "service", "post-title", "post-url", "token-url", "credentials", "login-url", "view", "sort", "limit",
  "loading", "live", "theme", "lang", "heading-level", "avatars", "drafts", "date", "reply-depth",
];
const UNFELT = ["theme", "loading", "post-title", "post-url"];
const NEAR = "800px 0px";

const camel = (name) => name.replace(/-(\w)/g, (whole, letter) => letter.toUpperCase());

export class GatepostComments extends HTMLElement {
  static observedAttributes = NAMES.filter((name) => !UNFELT.includes(name));

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [STYLE];
    this.states = this.attachInternals().states ?? new Set();
    this.count = null;
    this.reader = null;
    this.expect();
  }

  // From here on `ready` is kept when the list is there the next time.
  expect() {
    this.ready = new Promise((done) => this.addEventListener("gatepost:ready", done, { once: true }));
  }

  get state() {
    return this.dataset.state ?? "waiting";
  }

  connectedCallback() {
    // What was set before the script came is a property of its own, and hides the one of the class.
    for (const name of [...NAMES.map(camel), "getToken", "strings"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    this.begin();
  }

  disconnectedCallback() {
    // It may only have been moved to another place of the page.
    queueMicrotask(() => this.isConnected || this.stop());
  }

  attributeChangedCallback(name, was, value) {
    if (was === value || !this.isBegun) return;
    this.expect();
    clearTimeout(this.changing);
    this.changing = setTimeout(() => {
      if (!this.isConnected) return;
      if (this.thread?.isOpened) return this.reload();
      this.stop();
      this.begin();
    });
  }

  begin() {
    if (this.thread) return;
    this.isBegun = true;
    if (!this.site || !this.post) {
      this.dataset.state = "failed";
      this.shadowRoot.replaceChildren(document.createElement("slot"));
      console.error("Gatepost: <gatepost-comments> needs the attributes `site` and `post`.", this);
      return;
    }
    this.hasFallback = [...this.childNodes].some((node) => node.nodeType !== Node.COMMENT_NODE && !node.slot && node.textContent.trim());
    this.toggleAttribute("data-fallback", this.hasFallback);
    if (!this.id) this.id = `comments-${this.post}`;
    this.thread = new Thread(this, this.options());
    if (this.loading === "eager" || (this.loading !== "manual" && soughtIn(this))) return this.load();
    if (this.loading === "manual") return;
    const { signal } = this.thread.ending;
    whenNear(this, NEAR, signal, () => this.load());
    addEventListener("hashchange", () => soughtIn(this) && this.load(), { signal });
  }

  options() {
    return {
      service: serviceOf(this),
      site: this.site,
      post: this.post,
      cookies: this.credentials === "include",
      loginUrl: this.loginUrl,
      view: this.view ?? "thread",
      sort: this.sort ?? "oldest",
      limit: Math.min(200, Math.max(1, Number(this.limit) || 50)),
      nested: this.view !== "flat",
      newest: this.sort === "newest",
      isLive: this.live !== "off",
      headingLevel: Math.min(6, Math.max(1, Number(this.headingLevel) || 2)),
      avatars: this.avatars === "on",
      keepsDrafts: this.drafts !== "off",
      relative: this.date === "relative",
      replyDepth: Number(this.replyDepth ?? 5),
      hash: `#comments-${encodeURIComponent(this.post)}`,
    };
  }

  load() {
    if (!this.thread) this.begin();
    if (this.thread && !this.thread.isOpened) {
      this.thread.isOpened = true;
      this.opening = this.thread.open();
    }
    return this.opening;
  }

  reload() {
    this.stop();
    this.count = null;
    this.begin();
    return this.load();
  }

  async refreshLogin() {
    await this.ready;
    return this.thread?.refreshLogin();
  }

  async showComment(id) {
    this.load();
    await this.ready;
    return this.thread?.showComment(id);
  }

  async focusForm(text) {
    this.load();
    await this.ready;
    return this.thread?.focusForm(text);
  }

  stop() {
    this.thread?.end();
    this.thread = null;
    this.expect();
  }

  destroy() {
    this.stop();
    this.shadowRoot.replaceChildren(document.createElement("slot"));
    this.dataset.state = "waiting";
  }
}

for (const name of NAMES) {
  if (name === "lang") continue;
  Object.defineProperty(GatepostComments.prototype, camel(name), {
    configurable: true,
    get() {
      return this.getAttribute(name);
    },
    set(value) {
      if (value == null) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}
