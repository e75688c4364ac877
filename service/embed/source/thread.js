// What one element shows of one post: the list, the way to write, and what happens meanwhile.

import { Refusal, ask } from "./api.js";
import { loadAgain, partOf } from "./files.js";
import { List, pause } from "./list.js";
import { whenNear } from "./near.js";
import { loginOf } from "./login.js";
import { button, make } from "./make.js";
import { soughtIn } from "./sought.js";
import { Words } from "./words.js";

// How long the list waits for the answer to who is reading, and for the words of its language.
const PATIENT = 1000;
const BRINGS = { write: "writing", later: "pages" };
const DEFAULTS = { max_body_length: 10000, login_url: null };

// Whether a call failed so that nobody can say. Whatever is no Refusal is a mistake of this script.
const orOutage = (why) => {
  if (why instanceof Refusal) return why.isOutage;
  throw why;
};

export class Thread {
  constructor(host, options) {
    this.host = host;
    this.root = host.shadowRoot;
    this.options = options;
    this.words = new Words(host, options.service);
    this.login = loginOf(host);
    this.base = `${options.service}v1/sites/${encodeURIComponent(options.site)}`;
    this.path = `/posts/${encodeURIComponent(options.post)}`;
    this.ending = new AbortController();
    this.post = { count: 0, open: true };
    this.site = DEFAULTS;
    this.list = new List(this);
    // What comes with the parts of the script that are loaded when they are wanted: see `write.js` and `later.js`.
    this.writing = this.pages = this.arrivals = this.live = null;
    this.note("post", null);
    this.note("reader", "unknown");
    this.note("live", "off");
    this.section = make("section", { part: "section" });
    this.status = make("p", { role: "status", class: "aloud" });
    this.root.replaceChildren(this.section, this.status);
    this.wait("waiting");
  }

  get isOver() {
    return this.ending.signal.aborted;
  }

  // --- What the page can see and hear --------------------------------------------------------------------------------

  // One of the words that tests and styles look at: data-state, data-reader, data-post, data-live.
  note(name, word) {
    const { host } = this;
    const was = host.dataset[name];
    if (was === word || this.isOver) return;
    try {
      host.states.delete(name === "state" ? was : `${name}-${was}`);
      if (word) host.states.add(name === "state" ? word : `${name}-${word}`);
    } catch {
      // A browser that knows no custom states.
    }
    if (word) host.dataset[name] = word;
    else delete host.dataset[name];
    if (name === "state") this.tell("state", { state: word, was: was ?? null });
  }

  get readerState() {
    return this.host.dataset.reader;
  }

  tell(name, detail, cancelable = false) {
    return this.host.dispatchEvent(new CustomEvent(`gatepost:${name}`, { detail, cancelable, bubbles: true, composed: true }));
  }

  say(text) {
    this.status.replaceChildren(make("span", null, text));
  }

  // --- Loading -------------------------------------------------------------------------------------------------------

  // Before there is a list: the fallback of the page, or room for the comments.
  wait(state) {
    const isBusy = state === "loading";
    const bones = isBusy && !this.host.hasFallback ? ["", "", ""].map(() => make("div", { class: "bone" })) : [];
    this.section.replaceChildren(make("slot"), ...bones);
    this.section.setAttribute("aria-busy", isBusy);
    this.note("state", state);
  }

  async open() {
    this.wait("loading");
    setTimeout(() => this.host.state === "loading" && !this.isOver && this.say(this.words.say("loading")), 2000);
    this.learning = Promise.all([this.words.ready, this.learnSite(), this.learnReader()]);
    try {
      const page = await this.read(this.list.address());
      await Promise.race([this.learning, pause(PATIENT)]);
      if (this.isOver) return;
      this.post = page.post;
      this.meet();
      await this.list.fill(page);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (!this.isOver) this.fail();
      return;
    }
    if (this.isOver) return;
    this.draw();
    this.note("state", "ready");
    const { site, post } = this.options;
    this.tell("ready", { site, post, count: this.post.count, open: this.post.open, reader: this.host.reader });
    this.tellCount();
    this.learning.then(() => this.isOver || this.meet());
    const { signal } = this.ending;
    if (this.options.isLive) whenNear(this.host, "0px", signal, () => this.bring("later"));
    addEventListener("hashchange", () => this.followHash(), { signal });
    await this.followHash();
  }

  async followHash() {
    const id = soughtIn(this.host);
    if (id) await this.showComment(id);
  }

  async showComment(id) {
    if (await this.bring("later")) await this.pages.showComment(id);
    else this.regret();
  }

  async more() {
    if (await this.bring("later")) await this.pages.more();
    else this.regret();
  }

  // More of the list is not to be had now.
  regret() {
    this.notice?.remove();
    this.notice = make("p", { part: "notice", role: "alert", class: "box" }, this.words.say("failed"));
    (this.list.next ? this.moreButton : this.tail).after(this.notice);
  }

  fail() {
    const { words } = this;
    this.section.replaceChildren(
      make("slot"),
      make("p", { part: "notice", role: "alert", class: "box" }, words.say("failed")),
      make("div", { class: "bar" }, button("again", words.say("again"), () => this.tryAgain())),
    );
    this.section.setAttribute("aria-busy", "false");
    this.note("state", "failed");
  }

  async tryAgain() {
    const { host, root } = this;
    await host.reload();
    (host.thread?.heading ?? root.querySelector("button"))?.focus();
  }

  async learnSite() {
    try {
      this.site = { ...DEFAULTS, ...(await this.read("")).site };
    } catch {
      // Its words are a help, and the service looks at every text itself.
    }
  }

  // One of the parts of the script that are loaded when they are wanted. Returns whether it is there.
  async bring(name) {
    const part = await partOf(name, this.options.service).catch(() => null);
    if (part && !this.isOver && !this[BRINGS[name]]) part.bring(this);
    return Boolean(part) && !this.isOver;
  }

  // What everybody may read. Its `Access-Control-Allow-Origin: *` forbids `include`.
  read(path, options) {
    return ask(this.base + path, { ...options, credentials: this.options.cookies ? "same-origin" : "omit" });
  }

  // Whether somebody is logged in, or may be: so much as the page and the service say without more of the script.
  async isSomebody() {
    if (!this.options.cookies) return this.login.token();
    return (await ask(`${this.base}/me?visitor=1`, { credentials: "include", cache: "no-store" })).user;
  }

  // Who reads. What was found stays in `found` until the thread has met them.
  async learnReader() {
    const maybe = await this.isSomebody().catch(orOutage);
    if (maybe) await this.bring("write");
    this.found = this.writing ? await this.writing.learn(maybe) : maybe ? "unavailable" : "visitor";
  }

  // --- Drawing -------------------------------------------------------------------------------------------------------

  draw() {
    const { words, options } = this;
    this.heading = make(`h${options.headingLevel}`, { part: "heading", id: "heading", tabindex: -1 });
    this.door = make("div", { class: "door" });
    this.tail = make("div", { class: "tail" });
    this.empty = make("slot", { name: "empty" }, make("p", { part: "notice", class: "empty" }, words.say("empty")));
    this.moreButton = button("more", words.say("more"), () => this.more());
    // Whoever is known only later finds the room kept.
    if (this.readerState === "unknown") this.section.className = "late";
    this.section.replaceChildren(
      this.heading,
      make("slot", { name: "before-form" }),
      this.door,
      make("slot", { name: "after-form" }),
      this.list.element,
      this.tail,
      make("slot", { name: "footer" }),
    );
    this.section.setAttribute("aria-labelledby", "heading");
    this.section.setAttribute("aria-busy", "false");
    const isMirrored = getComputedStyle(this.host).direction !== words.direction;
    if (isMirrored && !this.host.hasAttribute("dir")) this.section.dir = words.direction;
    for (const comment of this.list.comments.values()) this.anchor(comment);
    this.welcome();
  }

  // The reader is known, or another one.
  meet() {
    const { found } = this;
    if (!found) return;
    const isAnother = found !== this.readerState;
    this.found = null;
    this.note("reader", found);
    if (!this.heading) return;
    if (isAnother) this.drawActions();
    this.welcome();
  }

  // What is theirs: the form or the way to it, and their own comments.
  welcome() {
    this.writing?.takeOwn();
    this.drawDoor();
    this.drawCount();
    if (location.hash === this.options.hash && this.readerState === "reader") this.writing.focusForm();
  }

  drawActions() {
    for (const comment of this.list.comments.values()) comment.drawActions();
  }

  // Between the heading and the list: how to write.
  drawDoor() {
    const { door, post, readerState, words, writing } = this;
    this.note("post", post.open ? "open" : "closed");
    if (writing?.keepsForm()) return;
    const closed = () => make("slot", { name: "closed" }, make("p", { part: "notice" }, words.say("closed")));
    const offers = { visitor: () => this.loginLink("login", words.say("login")), unavailable: () => this.unavailable() };
    const inside = post.open ? (offers[readerState] ?? (() => writing?.door()))() : closed();
    door.replaceChildren(...(inside ? [inside] : []));
  }

  // Nobody can say who reads, or the part of the script that is for them did not come.
  unavailable() {
    const { words, writing } = this;
    const [why, what, doIt] = writing ? ["login-down", "again", () => this.refreshLogin().then(() => this.focusForm())] : ["not-there", "reload", loadAgain];
    return make("div", { class: "bar" }, make("p", { part: "notice" }, words.say(why)), button("again", words.say(what), doIt));
  }

  // A real link where the site says where it leads; else a press that the page listens to.
  loginLink(part, text, label) {
    const address = this.options.loginUrl ?? this.site.login_url;
    const back = `${location.href.replace(/#.*/, "")}${this.options.hash}`;
    const url = address?.replaceAll("{url}", encodeURIComponent(back)) ?? null;
    if (!url && this.login.isNobody) return null;
    const onclick = (event) => this.tell("login-wanted", { url }, true) || event.preventDefault();
    const traits = { part, name: part, "aria-label": label, onclick };
    return url ? make("a", { ...traits, href: url }, text) : make("button", { ...traits, type: "button" }, text);
  }

  drawCount() {
    const { words, post } = this;
    this.heading.replaceChildren(make("span", { part: "count" }, words.count("count", post.count)));
    const isEmpty = !this.list.element.firstElementChild;
    if (isEmpty) this.list.element.before(this.empty);
    else this.empty.remove();
    this.list.element.hidden = isEmpty;
    if (!this.list.next) this.moreButton.remove();
    else if (!this.moreButton.isConnected) this.tail.after(this.moreButton);
  }

  tellCount() {
    if (this.host.count === this.post.count) return;
    this.host.count = this.post.count;
    this.tell("count", { post: this.options.post, count: this.post.count });
  }

  // In the page itself stands an empty mark for each comment, so that #comment-... works like any other anchor. It takes
  // the place of the comment in the fallback.
  anchor({ anchor }) {
    if (!this.heading) return;
    const written = document.getElementById(anchor.id);
    if (this.host.contains(written)) written.remove();
    this.host.append(anchor);
  }

  // --- What happens to the post, and to its reader ------------------------------------------------------------------------

  setPost(post) {
    const was = this.post;
    this.post = post;
    this.drawCount();
    this.tellCount();
    if (was.open === post.open) return;
    if (!post.open) this.say(this.words.say("closed"));
    this.drawDoor();
    this.drawActions();
  }

  async focusForm(text) {
    await this.learning;
    this.meet();
    if (!this.writing?.focusForm(text)) this.door.querySelector("a, button")?.focus();
  }

  // The page has logged somebody in or out.
  async refreshLogin() {
    await this.learning;
    this.login = loginOf(this.host);
    this.login.forget();
    const { writing } = this;
    const was = writing?.key;
    writing?.saveDrafts();
    await this.learnReader();
    if (this.isOver) return;
    if (writing?.key === was) writing?.calm();
    else writing.partFrom();
    this.note("reader", "unknown");
    this.meet();
  }

  end() {
    this.live?.end();
    this.writing?.end();
    for (const { anchor } of this.list.comments.values()) anchor.remove();
    this.ending.abort();
  }
}
