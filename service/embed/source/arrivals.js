// What happens while somebody reads: comments that come, change and go, without moving what is on the screen.

import { button } from "./make.js";

export class Arrivals {
  constructor(thread) {
    this.thread = thread;
    this.list = thread.list;
    // What came and was not seen; of it what would push away what is read is held back until the reader asks for it.
    this.fresh = new Set();
    this.held = new Map();
    // What was heard last of the post and of each comment, as long as the stream has missed nothing.
    this.heard = new Map();
    this.post = null;
    this.button = button("new", "", () => this.showAll());
  }

  forget(id) {
    const wasHere = [this.fresh.delete(id), this.held.delete(id)].includes(true);
    this.draw();
    return wasHere;
  }

  clear() {
    this.held.clear();
    this.fresh.clear();
    this.draw();
  }

  hear(name, { comment, post }) {
    this.post = post;
    if (comment) this.heard.set(comment.id, comment);
    if (name === "comment.removed") this.lose(comment);
    else if (comment) this.arrive(comment);
    this.thread.setPost(post);
  }

  // The stream has missed something.
  forgetHeard() {
    this.heard.clear();
    this.post = null;
  }

  renewed(page) {
    const comments = page.comments.map((item) => this.heard.get(item.id) ?? item).filter((item) => !item.removed || item.reply_count);
    return { ...page, comments, post: this.post ?? page.post };
  }

  arrive(item) {
    const known = this.list.get(item.id);
    if (known?.own?.pending_edit) this.thread.writing.renewOwn();
    if (known?.item) return this.list.put(item);
    if (known?.own) {
      if (known.own.status === "pending") this.thread.say(this.thread.words.say("published"));
      known.own = { ...known.own, status: "approved" };
      return this.list.put(item);
    }
    if (this.held.has(item.id)) return this.held.set(item.id, item);
    if (item.removed) return this.list.above({ parentId: item.parent_id, item }) && this.list.put(item);
    this.thread.tell("arrived", { ids: [item.id] });
    this.fresh.add(item.id);
    if (this.belongsHere(item)) {
      this.held.set(item.id, item);
      if (!this.wouldPush(item)) this.release();
    }
    this.draw();
  }

  // Not where it belongs to a page that is not shown: it comes with that.
  belongsHere(item) {
    if (item.parent_id && this.thread.options.nested) return this.list.has(item.parent_id) || this.held.has(item.parent_id);
    return this.thread.options.newest ? !this.thread.pages.isLinked : !this.thread.list.next;
  }

  // Whether it would move comments that are on the screen.
  wouldPush(item) {
    const newcomer = { id: item.id, item, createdAt: item.created_at, parentId: item.parent_id };
    if (this.held.size > 1) return true;
    const { list, before } = this.list.spot(newcomer);
    let below = before;
    for (let at = list; !below && at && at !== this.list.element; at = at.parentElement) below = at.nextElementSibling;
    if (!below || below === this.thread.tail) return false;
    const { top } = below.getBoundingClientRect();
    return top > 0 && top < innerHeight;
  }

  release() {
    const first = this.firstInView();
    const top = first?.getBoundingClientRect().top;
    for (const item of this.held.values()) this.list.put(item);
    for (const id of this.held.keys()) {
      const box = this.list.get(id).article.getBoundingClientRect();
      if (box.top >= 0 && box.bottom <= innerHeight) this.fresh.delete(id);
    }
    this.held.clear();
    // Where the browser does not hold the place itself.
    if (first && !CSS.supports("overflow-anchor", "auto")) scrollBy(0, first.getBoundingClientRect().top - top);
    this.thread.drawCount();
  }

  firstInView() {
    return [...this.list.element.querySelectorAll("article")].find((article) => article.getBoundingClientRect().bottom > 0);
  }

  showAll() {
    const [first] = this.fresh;
    this.release();
    this.fresh.clear();
    this.draw();
    return this.thread.pages.showComment(first);
  }

  draw() {
    const n = this.fresh.size;
    if (!n) return this.button.remove();
    this.button.textContent = this.thread.words.count("new", n);
    if (!this.button.isConnected) this.thread.tail.append(this.button);
  }

  lose(item) {
    this.fresh.delete(item.id);
    this.held.delete(item.id);
    const known = this.list.get(item.id);
    if (known) this.vanish(known, item);
    this.draw();
  }

  // A text that somebody is writing below it stays.
  vanish(comment, item = { id: comment.id, parent_id: comment.parentId, depth: comment.depth, removed: true, reply_count: 0 }) {
    const isKept = item.reply_count || comment.hasReplies || this.thread.writing?.isAt(comment);
    const { focused } = comment;
    if (comment.own) this.thread.writing.renewOwn();
    if (isKept) return this.list.put(item);
    this.list.remove(comment);
    // Whoever was on it with the keyboard goes on with what is on the screen.
    if (focused) (this.firstInView() ?? this.thread.heading).focus({ preventScroll: true });
  }
}
