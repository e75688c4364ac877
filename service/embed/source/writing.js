// A reader at their post: who they are, the forms they have open, their own comments.

import { Refusal } from "./api.js";
import { call } from "./calls.js";
import { forgetOldDrafts } from "./drafts.js";
import { Form } from "./form.js";
import { button, make } from "./make.js";
import { aboutOwn, actionsOf, isDismissed, isWanted } from "./own.js";
import STYLE from "./writing.css" with { type: "css" };
import WORDS from "./words/en-writing.json" with { type: "json" };

const SAID = { pending: "sent", approved: "published" };

export class Writing {
  constructor(thread) {
    this.thread = thread;
    this.about = aboutOwn;
    this.actions = actionsOf;
    this.forms = new Set();
    this.own = [];
    this.key = this.name = null;
    thread.words.learn(WORDS);
    thread.root.adoptedStyleSheets.push(STYLE);
    forgetOldDrafts();
    const { signal } = thread.ending;
    addEventListener("pagehide", () => this.saveDrafts(), { signal });
    addEventListener("online", () => this.forms.forEach((form) => form.online?.()), { signal });
  }

  // --- Who they are --------------------------------------------------------------------------------------------------

  // Whoever may be somebody is asked for. Returns what they are here.
  async learn(maybe) {
    const { host } = this.thread;
    const found = maybe ? await this.ask() : null;
    const { user, may, banned_until: bannedUntil } = found ?? {};
    const { key = null, name = null } = user ?? {};
    Object.assign(this, { key, name, bannedUntil, own: [] });
    host.reader = key && { key, name };
    if (!key) return typeof found === "string" ? found : "visitor";
    await this.learnOwn();
    return may.includes("submit") ? "reader" : bannedUntil ? "banned" : "barred";
  }

  // What the service says of them, else what they are here. A page of another origin gets no reply to a reader's call,
  // and one to a public call right after it.
  async ask() {
    const { thread } = this;
    const { options } = thread;
    const askMe = () => call(thread, "GET", options.cookies ? "/me?visitor=1" : "/me");
    const again = (refusal) => (refusal.status ? Promise.reject(refusal) : askMe());
    try {
      return await askMe().catch(again);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.status) return refusal.isOutage ? "unavailable" : "visitor";
    }
    try {
      await thread.read("");
    } catch {
      return "unavailable";
    }
    console.error(`Gatepost: ${location.origin} may not send comments: add it to the setting \`origins\` of the site "${options.site}".`);
    return "foreign";
  }

  async learnOwn() {
    const { thread } = this;
    const query = new URLSearchParams({ post: thread.options.post, limit: 200 });
    const found = await call(thread, "GET", `/me/comments?${query}`).catch(() => ({ comments: [] }));
    this.own = found.comments;
  }

  async renewOwn() {
    if (!this.key) return;
    await this.learnOwn();
    if (this.thread.isOver) return;
    this.takeOwn();
    this.thread.drawCount();
  }

  // What everybody sees of it comes with the list.
  takeOwn() {
    const { list } = this.thread;
    for (const own of this.own) {
      if (own.status !== "deleted" && (own.status !== "approved" || list.has(own.id))) this.show(own);
    }
    this.own = [];
  }

  // What only its author sees of it.
  show(own) {
    const { list } = this.thread;
    const comment = list.get(own.id) ?? list.add(own.id);
    comment.own = isDismissed(own) ? null : own;
    if (!isWanted(comment)) return list.drop(comment);
    if (comment.depth == null) list.place(comment);
    comment.draw();
    return comment;
  }

  // What they answer may have come after them.
  settle() {
    const { list } = this.thread;
    for (const comment of list.comments.values()) {
      if (!comment.own || list.above(comment) === comment.above) continue;
      list.place(comment);
      comment.draw();
    }
  }

  // Somebody else reads now, or nobody.
  partFrom() {
    const { list } = this.thread;
    this.closeForms();
    this.rootForm = null;
    for (const comment of [...list.comments.values()]) {
      if (!comment.own) continue;
      comment.own = null;
      if (comment.item) comment.draw();
      else list.drop(comment);
    }
  }

  ban(until) {
    const { thread } = this;
    this.bannedUntil = until;
    thread.note("reader", "banned");
    thread.drawActions();
    for (const form of this.forms) form.enable();
  }

  // --- The forms -----------------------------------------------------------------------------------------------------

  // What stands between the heading and the list, for this reader.
  door() {
    const { thread } = this;
    const { words } = thread;
    const notice = (text) => make("p", { part: "notice" }, text);
    return {
      reader: () => (this.wouldPush() ? this.opener() : this.openRootForm()),
      banned: () => notice(this.aboutBan()),
      barred: () => notice(words.say("barred")),
      foreign: () => notice(words.say("foreign")),
    }[thread.readerState]?.();
  }

  aboutBan() {
    const { bannedUntil, thread } = this;
    const { words } = thread;
    const date = bannedUntil && bannedUntil !== "forever" && words.moment(bannedUntil);
    return date ? words.say("banned-until", { date }) : words.say("banned");
  }

  openRootForm() {
    this.rootForm = new Form(this, "root");
    this.forms.add(this.rootForm);
    return this.rootForm.element;
  }

  // Somebody reads the list already, and a form above it would push it away.
  wouldPush() {
    const { list, section } = this.thread;
    return section.className === "late" && list.element.getBoundingClientRect().top < innerHeight;
  }

  opener() {
    return button("submit", this.thread.words.say("write"), () => this.focusForm());
  }

  // Whether the form that is there stays, with the text that is in it.
  keepsForm() {
    const { rootForm, thread } = this;
    const { open } = thread.post;
    for (const form of this.forms) form.enable();
    if (!rootForm) return false;
    if (open || rootForm.body) {
      rootForm.say(open ? "" : thread.words.say("closed"));
      return true;
    }
    this.forms.delete(rootForm);
    this.rootForm = null;
    return false;
  }

  openForm(kind, comment) {
    let form = [...this.forms].find((one) => one.kind === kind && one.comment === comment);
    if (!form) {
      form = new Form(this, kind, comment);
      this.forms.add(form);
      comment.article.after(form.element);
    }
    form.field.focus();
  }

  // Whether there is a form for comments, and now the reader is in it.
  focusForm(text) {
    const { readerState, post, door } = this.thread;
    if (readerState === "reader" && post.open && !this.rootForm) door.replaceChildren(this.openRootForm());
    const { rootForm } = this;
    if (!rootForm?.element.isConnected) return false;
    if (text) {
      rootForm.field.value += text;
      rootForm.typed();
    }
    rootForm.field.focus();
    rootForm.field.scrollIntoView({ block: "center" });
    return true;
  }

  closeForm(form) {
    const { thread } = this;
    const { comment, element, kind } = form;
    const isInside = element.contains(thread.root.activeElement);
    form.end();
    this.forms.delete(form);
    element.remove();
    if (isInside && comment && isWanted(comment)) comment.article.querySelector(`[name="${kind}"]`)?.focus();
    if (comment?.status === "removed" && !comment.hasReplies) thread.list.remove(comment);
  }

  // All of them, or all but the one above the list.
  closeForms(but) {
    for (const form of [...this.forms]) if (form !== but) this.closeForm(form);
  }

  // Whether the page still shows this post to whoever wrote that.
  isOf(form) {
    return !this.thread.isOver && this.key === form.reader;
  }

  isAt(comment) {
    return [...this.forms].some((form) => form.comment === comment);
  }

  saveDrafts() {
    for (const form of this.forms) form.draft.save();
  }

  calm() {
    for (const form of this.forms) form.calm();
  }

  end() {
    this.saveDrafts();
    for (const form of this.forms) form.end();
    for (const { timer } of this.thread.list.comments.values()) clearTimeout(timer);
  }

  // --- What becomes of their texts -----------------------------------------------------------------------------------

  sent(form, own) {
    const { thread } = this;
    const { id, status, parent_id: parentId } = own;
    if (form.kind === "edit") thread.tell("comment-edited", { id });
    else thread.tell("comment-sent", { id, status, parentId });
    if (!this.isOf(form)) return;
    thread.say(thread.words.say(own.pending_edit ? "edit-sent" : (SAID[status] ?? "refused")));
    if (form !== this.rootForm) this.closeForm(form);
    const shown = status === "approved" && !own.pending_edit ? this.publish(own) : this.show(own);
    thread.drawCount();
    shown?.article.focus({ preventScroll: true });
    shown?.article.scrollIntoView({ block: "nearest" });
  }

  // Public at once: it is shown as the list would show it, and counted when the service says so.
  publish(own) {
    const { thread } = this;
    const { list, post } = thread;
    const { id, parent_id, author, html, created_at, edited_at } = own;
    const known = list.get(id);
    const above = list.get(parent_id);
    const item = { reply_count: 0, depth: above ? above.depth + 1 : 0, ...known?.item, id, parent_id, author, html, created_at, edited_at };
    const isCounted = thread.arrivals?.forget(id) || known?.item;
    if (!isCounted) thread.setPost({ ...post, count: post.count + 1 });
    const comment = known ?? list.add(id);
    comment.own = own;
    return list.put(item);
  }

  async withdraw(comment) {
    const { thread } = this;
    const { own, id } = comment;
    // It is on its way.
    if (!own) return;
    comment.own = null;
    try {
      await call(thread, "DELETE", `/comments/${id}`);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const why = refusal.problem.detail ?? thread.words.say("not-sent");
      comment.own = own;
      comment.draw();
      comment.bar.append(make("span", { role: "alert", part: "notice" }, why));
      return;
    }
    thread.tell("comment-withdrawn", { id });
    if (thread.isOver) return;
    thread.say(thread.words.say("withdrawn"));
    if (!thread.list.has(id)) return thread.heading.focus();
    if (comment.item && !comment.item.removed) thread.setPost({ ...thread.post, count: thread.post.count - 1 });
    this.leave(comment);
  }

  // It goes, and whoever was on it with the keyboard goes on from the next one, else from the one before.
  leave(comment) {
    const { list, heading } = this.thread;
    const all = [...list.element.querySelectorAll("article")];
    const at = all.indexOf(comment.article);
    const next = all[at + 1] ?? all[at - 1];
    if (comment.item && comment.hasReplies) list.put({ ...comment.item, removed: true });
    else list.remove(comment);
    this.thread.drawCount();
    (next?.isConnected ? next : heading).focus();
  }
}
