// The list page by page: the first, more, anew, and the part of it to which an address leads.

import { Refusal } from "./api.js";
import { button, make } from "./make.js";

const LINKED = "#comment-";
const AT_ONCE = 20;

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export class Pages {
  constructor(thread) {
    this.thread = thread;
    this.next = null;
    this.isLinked = false;
    this.linked = make("div", { class: "linked" });
  }

  address(query = {}) {
    const { view, sort, limit } = this.thread.options;
    const asked = new URLSearchParams({ view, sort, limit, ...query });
    return `${this.thread.path}/comments?${asked}`;
  }

  // Drawn a few at a time, so that nothing else on the page has to wait.
  async fill(page) {
    this.thread.post = page.post;
    this.next = page.next;
    const drawn = [];
    for (let i = 0; i < page.comments.length; i += AT_ONCE) {
      if (i) await pause(0);
      if (this.thread.isOver) return drawn;
      drawn.push(...page.comments.slice(i, i + AT_ONCE).map((item) => this.thread.list.put(item)));
    }
    return drawn;
  }

  async more() {
    this.thread.moreButton.disabled = true;
    try {
      const drawn = await this.fill(await this.thread.api.read(this.address({ cursor: this.next })));
      for (const { id } of drawn) this.thread.arrivals.forget(id);
      drawn[0]?.article.focus();
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.thread.say(this.thread.words.say("failed"));
    }
    this.thread.moreButton.disabled = false;
    this.thread.drawCount();
  }

  // The list anew, as far as it is shown: what changed while nobody listened.
  async refresh() {
    if (this.isLinked) return;
    const had = [...this.thread.list.comments.values()].filter((comment) => comment.item);
    const seen = new Set();
    let cursor = null;
    let page;
    try {
      do {
        const wide = had.length > this.thread.options.limit ? { limit: 200 } : {};
        page = await this.thread.api.read(this.address(cursor ? { ...wide, cursor } : wide));
        if (this.thread.isOver || this.isLinked) return;
        for (const item of page.comments) {
          seen.add(item.id);
          const known = this.thread.list.get(item.id);
          if (!known?.item) (known || this.thread.arrivals.belongsHere(item)) && this.thread.arrivals.arrive(item);
          else if (JSON.stringify(known.item) !== JSON.stringify(item)) this.thread.list.put(item);
        }
        cursor = page.next;
      } while (cursor && seen.size < had.length + 400 && had.some(({ id }) => !seen.has(id)));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return;
    }
    for (const comment of had) if (!seen.has(comment.id) && this.thread.list.has(comment.id)) this.thread.arrivals.vanish(comment);
    this.thread.setPost(page.post);
  }

  async followHash() {
    const { hash } = location;
    if (!hash.startsWith(LINKED)) return;
    const marked = document.getElementById(hash.slice(1));
    const isAnothers = marked && !this.thread.host.contains(marked);
    if (!isAnothers) await this.showComment(hash.slice(LINKED.length));
  }

  async showComment(id) {
    if (this.thread.arrivals.held.has(id)) this.thread.arrivals.release();
    if (!this.thread.list.has(id) && !(await this.showAround(id))) return;
    const { article } = this.thread.list.get(id);
    article.scrollIntoView({ block: "start" });
    article.focus({ preventScroll: true });
    article.part.add("linked");
    const unmark = () => article.part.remove("linked");
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) addEventListener("keydown", unmark, { once: true });
    else setTimeout(unmark, 3000);
  }

  // A comment that is not on the pages that are shown: its part of the list instead of them.
  async showAround(id) {
    const { words } = this.thread;
    let page;
    try {
      page = await this.thread.api.read(this.address({ around: id }));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.thread.say(words.say("gone"));
      this.showLinked(make("p", { part: "notice", class: "box" }, words.say("gone")));
      return false;
    }
    this.clear();
    this.isLinked = true;
    await this.fill(page);
    const all = button("all", words.say("all"), () => this.showAll());
    this.showLinked(make("p", { class: "title" }, words.say("linked")), all);
    this.thread.drawCount();
    return this.thread.list.has(id);
  }

  showLinked(...inside) {
    this.linked.replaceChildren(...inside);
    if (inside.length) this.thread.list.element.before(this.linked);
    else this.linked.remove();
  }

  async showAll() {
    try {
      const page = await this.thread.api.read(this.address());
      this.clear();
      this.isLinked = false;
      await this.fill(page);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return this.thread.say(this.thread.words.say("failed"));
    }
    this.showLinked();
    this.thread.drawCount();
    await this.thread.writing?.renewOwn();
    this.thread.heading.focus();
  }

  clear() {
    const { writing } = this.thread;
    writing?.closeForms(writing.rootForm);
    for (const comment of [...this.thread.list.comments.values()]) this.thread.list.drop(comment);
    this.thread.arrivals.clear();
  }
}
