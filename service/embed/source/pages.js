// The pages of the list that come after the first: more, anew, and the part to which an address leads.

import { Refusal } from "./api.js";
import { button, make } from "./make.js";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MARK = /^comment-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export class Pages {
  constructor(thread) {
    this.thread = thread;
    this.isLinked = false;
    this.linked = make("div", { class: "linked" });
  }

  // A page of the list, with what was heard of its comments: a list that was read before, or kept by a cache, is older.
  async read(query, options) {
    const { arrivals, list } = this.thread;
    return arrivals.renewed(await this.thread.read(list.address(query), options));
  }

  async more() {
    const { arrivals, list, moreButton, notice, root, writing } = this.thread;
    const hadKeyboard = root.activeElement === moreButton;
    const cursor = list.next;
    let drawn = [];
    notice?.remove();
    moreButton.disabled = true;
    try {
      const page = await this.read({ cursor });
      // Meanwhile another part of the list may be shown.
      if (list.next === cursor) drawn = await list.fill(page);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.thread.regret();
    }
    moreButton.disabled = false;
    for (const { id } of drawn) arrivals.forget(id);
    writing?.settle();
    this.thread.drawCount();
    if (drawn.length) drawn[0].article.focus();
    else if (hadKeyboard) moreButton.focus();
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
        page = await this.read(cursor ? { ...wide, cursor } : wide, { cache: "no-cache" });
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
    const { arrivals, list } = this.thread;
    for (const comment of had) if (!seen.has(comment.id) && list.has(comment.id) && !arrivals.heard.has(comment.id)) arrivals.vanish(comment);
    this.thread.setPost(page.post);
  }

  // A comment by its id, or by what stands behind the # of an address: an imported one keeps the anchor that it had.
  async showComment(sought) {
    const { arrivals, list, options } = this.thread;
    if (`#${sought}` === options.hash || sought.includes("%")) return;
    const id = sought.replace(MARK, "$1");
    this.sought = id;
    if (arrivals.held.has(id)) arrivals.release();
    const find = () => list.get(id) ?? [...list.comments.values()].find(({ item }) => item?.anchor === id);
    if (!find() && !(await this.showAround(id))) return;
    const found = find();
    if (!found) return;
    const { article } = found;
    article.scrollIntoView({ block: "start" });
    article.focus({ preventScroll: true });
    article.part.add("linked");
    const unmark = () => article.part.remove("linked");
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) addEventListener("keydown", unmark, { once: true });
    else setTimeout(unmark, 3000);
  }

  // A comment that is not on the pages that are shown: its part of the list instead of them. What is no id may be
  // anything of the page's own: nothing is said where it leads nowhere.
  async showAround(id) {
    const { words } = this.thread;
    let page;
    try {
      page = await this.read({ around: id });
      if (this.sought !== id) return false;
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (this.sought !== id || !ID.test(id)) return false;
      if (refusal.isOutage) return this.thread.regret();
      this.thread.say(words.say("gone"));
      this.showLinked(make("p", { part: "notice", class: "box" }, words.say("gone")));
      return false;
    }
    this.clear();
    this.isLinked = true;
    await this.thread.list.fill(page);
    const all = button("all", words.say("all"), () => this.showAll());
    this.showLinked(make("p", { class: "title" }, words.say("linked")), all);
    this.thread.drawCount();
    return true;
  }

  showLinked(...inside) {
    this.linked.replaceChildren(...inside);
    if (inside.length) this.thread.list.element.before(this.linked);
    else this.linked.remove();
  }

  async showAll() {
    this.sought = null;
    try {
      const page = await this.read();
      if (this.sought) return;
      this.clear();
      this.isLinked = false;
      await this.thread.list.fill(page);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return this.thread.regret();
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
