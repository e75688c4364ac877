// The comments in their order: a list, with the replies to each in a list below it.

import { Comment } from "./comment.js";
import { make } from "./make.js";

// For how many milliseconds it draws without a pause.
const AT_ONCE = 10;

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Whether `one` was written after `other`. Ids rise with time, and a tombstone has no time.
const isLater = (one, other) => {
  const [at, than] = [one.createdAt, other.createdAt];
  return at && than && at !== than ? at > than : one.id > other.id;
};

export class List {
  constructor(thread) {
    this.thread = thread;
    this.comments = new Map();
    this.byElement = new WeakMap();
    this.element = make("ol", { part: "list" });
    // Where the next page begins.
    this.next = null;
  }

  // Where a page of it is.
  address(query) {
    const { path, options } = this.thread;
    const { view, sort, limit } = options;
    const asked = new URLSearchParams({ view, sort, limit, ...query });
    return `${path}/comments?${asked}`;
  }

  // What a page has, with pauses, so that nothing else in the browser has to wait.
  async fill({ post, comments, next }) {
    this.thread.post = post;
    this.next = next;
    const drawn = [];
    let began = performance.now();
    for (const item of comments) {
      if (performance.now() - began > AT_ONCE) {
        await pause(0);
        began = performance.now();
      }
      if (this.thread.isOver) break;
      drawn.push(this.put(item));
    }
    return drawn;
  }

  has(id) {
    return this.comments.has(id);
  }

  get(id) {
    return this.comments.get(id);
  }

  // What everybody sees of a comment, new or anew.
  put(item) {
    const comment = this.get(item.id) ?? this.add(item.id);
    comment.item = item;
    if (comment.depth != null) this.settle(comment);
    else this.place(comment);
    comment.draw();
    return comment;
  }

  add(id) {
    const comment = new Comment(this.thread, id);
    this.comments.set(id, comment);
    this.byElement.set(comment.li, comment);
    this.thread.anchor(comment);
    return comment;
  }

  drop(comment) {
    this.comments.delete(comment.id);
    comment.li.remove();
    comment.anchor.remove();
  }

  // Below which comment one stands: replies as deep as the site allows stand beside what they answer.
  above({ parentId, item }) {
    if (!this.thread.options.nested) return null;
    let above = this.get(parentId) ?? null;
    while (above && item && above.depth >= item.depth) above = above.above;
    return above;
  }

  // Where it goes: into which list, and before which element of it.
  spot(comment) {
    const above = this.above(comment);
    const list = above ? above.replies : this.element;
    const newestFirst = this.thread.options.newest && !above;
    let before = null;
    for (let last = list.lastElementChild; last; last = last.previousElementSibling) {
      const other = this.byElement.get(last);
      if (other !== comment && isLater(comment, other) !== newestFirst) break;
      if (other !== comment) before = last;
    }
    return { above, list, before };
  }

  place(comment) {
    const { above, list, before } = this.spot(comment);
    comment.above = above;
    comment.depth = above ? above.depth + 1 : 0;
    list.insertBefore(comment.li, before);
  }

  settle(comment) {
    if (this.above(comment) !== comment.above) this.place(comment);
  }

  // It is gone for everybody. Tombstones above it that stood for it alone go as well, unless somebody writes there.
  remove(comment) {
    const { above } = comment;
    this.drop(comment);
    if (above?.status === "removed" && !above.hasReplies && !this.thread.writing?.isAt(above)) this.remove(above);
  }
}
