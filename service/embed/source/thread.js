// What one element shows of one post: the list, who reads it, the forms, and what happens meanwhile.

import { Api, Refusal } from "./api.js";
import { Arrivals } from "./arrivals.js";
import { Form } from "./form.js";
import { List } from "./list.js";
import { Live } from "./live.js";
import { loginOf } from "./login.js";
import { button, make } from "./make.js";
import { Pages, pause } from "./pages.js";
import { Reader } from "./reader.js";
import { Words } from "./words.js";

// How long the list waits for the answer to who is reading, and for the words of its language.
const PATIENT = 1000;
const DEFAULTS = { max_body_length: 10000, login_url: null };

export class Thread {
  constructor(host, options) {
    this.host = host;
    this.root = host.shadowRoot;
    this.options = options;
    this.words = new Words(host, options.service);
    this.login = loginOf(host);
    this.api = new Api(options.service, options.site, this.login, options.cookies);
    this.path = `/posts/${encodeURIComponent(options.post)}`;
    this.ending = new AbortController();
    this.post = { count: 0, open: true };
    this.site = DEFAULTS;
    this.forms = new Set();
    this.list = new List(this);
    this.pages = new Pages(this);
    this.arrivals = new Arrivals(this);
    this.reader = new Reader(this);
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

  get state() {
    return this.host.dataset.state;
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
    setTimeout(() => this.state === "loading" && !this.isOver && this.say(this.words.say("loading")), 2000);
    const others = Promise.all([this.words.ready, this.learnSite(), this.reader.learn()]);
    try {
      const page = await this.api.read(this.pages.address());
      await Promise.race([others, pause(PATIENT)]);
      if (this.isOver) return;
      this.post = page.post;
      this.meet();
      await this.pages.fill(page);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (!this.isOver) this.fail();
      return;
    }
    if (this.isOver) return;
    this.draw();
    this.note("state", "ready");
    this.tell("ready", { site: this.options.site, post: this.options.post, count: this.post.count, open: this.post.open, reader: this.host.reader });
    this.tellCount();
    others.then(() => this.isOver || this.meet());
    if (this.options.isLive) this.live = new Live(this);
    const { signal } = this.ending;
    addEventListener("hashchange", () => this.pages.followHash(), { signal });
    addEventListener("pagehide", () => this.forms.forEach((form) => form.draft.save()), { signal });
    addEventListener("online", () => this.forms.forEach((form) => form.online?.()), { signal });
    await this.pages.followHash();
  }

  fail() {
    const { words } = this;
    const again = button("again", words.say("again"), () => this.host.reload());
    this.section.replaceChildren(
      make("slot"),
      make("p", { part: "notice", role: "alert", class: "box" }, words.say("failed")),
      make("div", { class: "bar" }, again),
    );
    this.section.setAttribute("aria-busy", "false");
    this.note("state", "failed");
  }

  async learnSite() {
    try {
      this.site = { ...DEFAULTS, ...(await this.api.read("")).site };
    } catch {
      // Its words are a help, and the service looks at every text itself.
    }
  }

  async readOwn() {
    await this.reader.learnOwn();
    if (!this.isOver) this.takeOwn();
  }

  // --- Drawing -------------------------------------------------------------------------------------------------------

  draw() {
    const { words, options } = this;
    this.heading = make(`h${options.headingLevel}`, { part: "heading", id: "heading", tabindex: -1 });
    this.door = make("div", { class: "door" });
    this.linked = make("div", { class: "linked" });
    this.empty = make("slot", { name: "empty" }, make("p", { part: "notice", class: "empty" }, words.say("empty")));
    this.moreButton = button("more", words.say("more"), () => this.pages.more());
    this.section.replaceChildren(
      this.heading,
      make("slot", { name: "before-form" }),
      this.door,
      make("slot", { name: "after-form" }),
      this.list.element,
      (this.tail = make("div", { class: "tail" })),
      make("slot", { name: "footer" }),
    );
    this.section.setAttribute("aria-labelledby", "heading");
    this.section.setAttribute("aria-busy", "false");
    const isMirrored = getComputedStyle(this.host).direction !== words.direction;
    if (isMirrored && !this.host.hasAttribute("dir")) this.section.dir = words.direction;
    const ids = new Set([...this.list.comments.values()].map(({ anchor }) => anchor.id));
    for (const element of this.host.querySelectorAll('[id^="comment-"]')) if (ids.has(element.id)) element.remove();
    this.host.append(...[...this.list.comments.values()].map(({ anchor }) => anchor));
    this.welcome();
    this.arrivals.draw();
  }

  // The reader is known, or another one.
  meet() {
    const { found: state } = this.reader;
    const was = this.readerState;
    if (!state) return;
    this.reader.found = null;
    this.note("reader", state);
    if (!this.heading) return;
    if (state !== was) this.drawActions();
    this.welcome();
  }

  // What is theirs: the form or the way to it, and their own comments.
  welcome() {
    this.takeOwn();
    this.drawDoor();
    this.drawCount();
    if (location.hash === this.options.hash && this.readerState === "reader") this.focusForm();
  }

  drawActions() {
    for (const comment of this.list.comments.values()) comment.drawActions();
  }

  // What everybody sees of it comes with the list.
  takeOwn() {
    const shown = ({ id, status }) => status !== "deleted" && (status !== "approved" || this.list.has(id));
    for (const own of this.reader.own.filter(shown)) this.list.putOwn(own);
    this.reader.own = [];
  }

  drawDoor() {
    const { words } = this;
    const { bannedUntil } = this.reader;
    const { open } = this.post;
    const notice = (text) => make("p", { part: "notice" }, text);
    this.note("post", open ? "open" : "closed");
    if (this.rootForm && (open || this.rootForm.body)) {
      this.rootForm.say(open ? "" : words.say("closed"));
      return this.rootForm.enable();
    }
    if (!open) {
      this.rootForm = null;
      return this.door.replaceChildren(make("slot", { name: "closed" }, notice(words.say("closed"))));
    }
    const date = bannedUntil && bannedUntil !== "forever" && words.moment(bannedUntil);
    const inside = {
      visitor: () => this.loginLink("login", words.say("login")),
      reader: () => (this.rootForm = this.addForm(new Form(this, "root"))).element,
      banned: () => notice(date ? words.say("banned-until", { date }) : words.say("banned")),
      barred: () => notice(words.say("barred")),
      foreign: () => notice(words.say("foreign")),
      unavailable: () => this.unavailable(),
    }[this.readerState]?.();
    this.door.replaceChildren(...(inside ? [inside] : []));
  }

  unavailable() {
    const { words } = this;
    const again = button("again", words.say("again"), () => this.refreshLogin());
    return make("div", { class: "bar" }, make("p", { part: "notice" }, words.say("login-down")), again);
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
    if (this.pages.next) this.tail.after(this.moreButton);
    else this.moreButton.remove();
  }

  tellCount() {
    if (this.host.count === this.post.count) return;
    this.host.count = this.post.count;
    this.tell("count", { post: this.options.post, count: this.post.count });
  }

  // In the page itself stands an empty mark for each comment, so that #comment-... works like any other anchor.
  anchor({ anchor }) {
    if (!this.heading) return;
    if (this.host.hasFallback) this.host.querySelector(`[id="${anchor.id}"]`)?.remove();
    this.host.append(anchor);
  }

  // --- What happens to the post, and to the texts of the reader ---------------------------------------------------------

  setPost(post) {
    const was = this.post;
    this.post = post;
    this.drawCount();
    this.tellCount();
    if (was.open === post.open) return;
    if (!post.open) this.say(this.words.say("closed"));
    this.drawDoor();
    for (const form of this.forms) form.enable();
    this.drawActions();
  }

  addForm(form) {
    this.forms.add(form);
    return form;
  }

  openForm(kind, comment) {
    let form = [...this.forms].find((one) => one.kind === kind && one.comment === comment);
    if (!form) {
      form = this.addForm(new Form(this, kind, comment));
      comment.article.after(form.element);
    }
    form.field.focus();
  }

  closeForm(form) {
    const isInside = form.element.contains(this.root.activeElement);
    form.end();
    this.forms.delete(form);
    form.element.remove();
    if (isInside && form.comment?.isWanted) form.comment.article.querySelector(`[name="${form.kind}"]`)?.focus();
    if (form.comment?.item?.removed && !form.comment.hasReplies) this.list.remove(form.comment);
  }

  sent(form, comment) {
    const { words } = this;
    const isEdit = form.kind === "edit";
    this.tell(isEdit ? "comment-edited" : "comment-sent", isEdit ? { id: comment.id } : { id: comment.id, status: comment.status, parentId: comment.parent_id });
    const words_of = { pending: "sent", approved: "published" };
    this.say(words.say(comment.pending_edit ? "edit-sent" : (words_of[comment.status] ?? "refused")));
    if (form.element !== this.rootForm?.element) this.closeForm(form);
    const shown = comment.status === "approved" && !comment.pending_edit ? this.publish(comment) : this.list.putOwn(comment);
    this.drawCount();
    shown?.article.focus({ preventScroll: true });
    shown?.article.scrollIntoView({ block: "nearest" });
  }

  // Public at once: it is shown as the list would show it, and counted when the service says so.
  publish(own) {
    const known = this.list.get(own.id);
    const above = this.list.get(own.parent_id);
    const { id, parent_id, author, html, created_at, edited_at } = own;
    const item = { reply_count: 0, depth: above ? above.depth + 1 : 0, ...known?.item, id, parent_id, author, html, created_at, edited_at };
    const isCounted = this.arrivals.forget(id) || known?.item;
    if (!isCounted) this.setPost({ ...this.post, count: this.post.count + 1 });
    const comment = known ?? this.list.add(id);
    comment.own = own;
    return this.list.put(item);
  }

  async withdraw(comment) {
    const { own } = comment;
    comment.own = null;
    try {
      await this.api.call("DELETE", `/comments/${comment.id}`);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const { words } = this;
      const why = refusal.problem.detail ?? words.say("not-sent");
      comment.own = own;
      comment.draw();
      comment.bar.append(make("span", { role: "alert", part: "notice" }, why));
      return;
    }
    this.tell("comment-withdrawn", { id: comment.id });
    this.say(this.words.say("withdrawn"));
    if (!this.list.has(comment.id)) return this.heading.focus();
    if (comment.item && !comment.item.removed) this.setPost({ ...this.post, count: this.post.count - 1 });
    this.leave(comment);
  }

  // It goes, and whoever was on it with the keyboard goes on from the next one.
  leave(comment) {
    const next = this.list.neighbour(comment);
    if (comment.item && comment.hasReplies) {
      this.list.put({ ...comment.item, removed: true });
    } else {
      this.list.remove(comment);
    }
    this.drawCount();
    (next?.isConnected ? next : this.heading).focus();
  }

  ban(until) {
    this.reader.bannedUntil = until;
    this.note("reader", "banned");
    this.drawActions();
    for (const form of this.forms) form.sender.disabled = true;
  }

  focusForm(text) {
    const { rootForm } = this;
    if (!rootForm?.element.isConnected) return this.door.querySelector("a, button")?.focus();
    if (text) {
      rootForm.field.value += text;
      rootForm.typed();
    }
    rootForm.field.focus();
    rootForm.field.scrollIntoView({ block: "center" });
  }

  // The page has logged somebody in or out.
  async refreshLogin() {
    this.login = this.api.login = loginOf(this.host);
    this.login.forget();
    for (const form of this.forms) form.draft.save();
    const was = this.reader.key;
    await this.reader.learn();
    if (this.isOver) return;
    if (this.reader.key !== was) {
      for (const form of [...this.forms]) this.closeForm(form);
      this.rootForm = null;
      for (const comment of [...this.list.comments.values()]) {
        comment.own = null;
        if (!comment.item) this.list.drop(comment);
      }
    } else {
      for (const form of this.forms) form.say("");
    }
    this.note("reader", "unknown");
    this.meet();
  }

  end() {
    this.live?.end();
    for (const form of this.forms) {
      form.draft.save();
      form.end();
    }
    for (const comment of this.list.comments.values()) {
      clearTimeout(comment.timer);
      comment.anchor.remove();
    }
    this.ending.abort();
  }
}
