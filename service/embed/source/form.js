// A form in which a reader writes: a new comment, a reply, another text of their own comment.

import { call } from "./calls.js";
import { Draft } from "./drafts.js";
import { show } from "./html.js";
import { labelOf } from "./label.js";
import { button, make } from "./make.js";

const WAITS = [2000, 8000, 30000];
let forms = 0;

export class Form {
  // `kind` is root, reply or edit; `comment` is what is answered or changed.
  constructor(writing, kind, comment) {
    const { thread } = writing;
    const reader = writing.key;
    Object.assign(this, { writing, thread, kind, comment, reader, parentId: kind === "reply" ? comment.id : null, version: comment?.own?.version });
    const { words, options } = thread;
    const { service, site, post } = options;
    const place = { root: "root", reply: comment?.id, edit: `edit:${comment?.id}` }[kind];
    this.draft = new Draft([service, site, post, reader, place].join("|"), options.keepsDrafts);
    const id = `form-${++forms}`;
    const label = { root: "comment", reply: "reply-to", edit: "edit-yours" }[kind];
    this.field = make("textarea", {
      id, part: "textarea", name: "body", rows: 4, dir: "auto", "aria-describedby": `${id}-hint ${id}-counter ${id}-notice`,
      oninput: () => this.typed(), onkeydown: (event) => this.pressed(event),
    });
    this.counter = make("p", { part: "counter", id: `${id}-counter` });
    this.notice = make("div", { part: "notice", id: `${id}-notice`, role: "alert" });
    this.help = make("div", { class: "help" });
    this.shown = make("div", { part: "preview", class: "rich shown", hidden: true, dir: "auto", role: "group", "aria-label": words.say("preview") });
    this.sender = make("button", { part: "submit", name: "submit", type: "submit" }, words.say("send"));
    this.element = make(
      "form",
      { part: "form", novalidate: true, onsubmit: (event) => this.submitted(event) },
      kind === "root" && make("p", { class: "as" }, ...words.fill("as", { name: make("bdi", null, writing.name) })),
      make("label", { part: "label", for: id }, words.say(label, { name: comment?.author })),
      this.field,
      make("p", { part: "hint", id: `${id}-hint` }, words.say("hint")),
      this.counter,
      this.notice,
      this.help,
      this.shown,
      make(
        "div",
        { class: "bar" },
        this.sender,
        button("preview", words.say("preview"), () => this.preview()),
        kind !== "root" && button("cancel", words.say("cancel"), () => this.close()),
      ),
    );
    this.field.value = this.draft.body || (kind === "edit" ? (comment.own.pending_edit ?? comment.own).body : "");
    this.measure();
  }

  get body() {
    return this.field.value;
  }

  typed() {
    if (!this.pausedUntil) clearTimeout(this.timer);
    this.tries = 0;
    this.online = null;
    this.draft.change(this.body);
    this.shown.hidden = true;
    this.calm();
    this.measure();
  }

  pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
    if (event.key === "Escape" && this.kind !== "root") this.close();
  }

  // Counts as the service does: code points, without the white space around them.
  measure() {
    const { thread } = this;
    const n = [...this.body.trim()].length;
    const max = thread.site.max_body_length;
    const close = n >= max * 0.9;
    const { words } = thread;
    const number = (value) => new Intl.NumberFormat(words.language).format(value);
    const said = close ? words.say("counter", { n: number(n), max: number(max) }) : "";
    if (n > max && !this.isLong) thread.say(said);
    this.isLong = n > max;
    this.counter.textContent = said;
    this.counter.toggleAttribute("data-over", this.isLong);
    this.enable();
  }

  enable() {
    const { sender, thread } = this;
    const { activeElement } = thread.root;
    sender.disabled = Boolean(this.isBusy || this.isLong || this.isBarred);
    this.field.readOnly = Boolean(this.isBusy);
    // A button that can't be pressed does not keep the keyboard.
    if (sender.disabled && activeElement === sender) this.field.focus();
  }

  // Whether nothing can be sent from here, whatever the text is.
  get isBarred() {
    const { post, readerState } = this.thread;
    return Date.now() < (this.pausedUntil ?? 0) || !post.open || readerState !== "reader";
  }

  // What went wrong, and what can be done about it: buttons, a link, a text.
  say(text, ...help) {
    const wasInside = this.help.contains(this.thread.root.activeElement);
    if (this.notice.textContent !== text) this.notice.textContent = text;
    this.help.replaceChildren(...help.filter(Boolean));
    if (wasInside) (this.help.querySelector("button, a") ?? this.field).focus();
    this.field.toggleAttribute("aria-invalid", false);
    if (text) this.field.setAttribute("aria-invalid", "true");
  }

  // What was wrong is not any more; but why nothing can be sent stays there.
  calm() {
    if (!this.isBarred) this.say("");
  }

  submitted(event) {
    event.preventDefault();
    if (!this.sender.disabled) this.send();
  }

  async send() {
    if (!this.body.trim()) return this.field.focus();
    if (this.isBusy || !this.thread.tell("comment-sending", { body: this.body, parentId: this.parentId }, true)) return;
    clearTimeout(this.timer);
    this.draft.change(this.body);
    this.draft.save();
    this.isBusy = true;
    this.enable();
    try {
      const { comment } = await this.ask();
      this.isBusy = false;
      this.online = null;
      this.draft.drop();
      this.field.value = "";
      this.shown.hidden = true;
      this.say("");
      this.measure();
      this.writing.sent(this, comment);
    } catch (refusal) {
      this.isBusy = false;
      this.enable();
      if (refusal.status === undefined) throw refusal;
      if (this.writing.isOf(this)) this.refused(refusal);
    }
  }

  ask() {
    const { thread, body, kind, comment } = this;
    if (kind === "edit") return call(thread, "PATCH", `/comments/${comment.id}`, { body, version: this.version });
    const submission = { body, post: labelOf(thread.host) };
    if (this.parentId) submission.parent_id = this.parentId;
    return call(thread, "POST", `${thread.path}/comments`, submission, this.draft.key);
  }

  refused(refusal) {
    const { thread } = this;
    const { words } = thread;
    thread.tell("refused", { code: refusal.code, status: refusal.status, requestId: refusal.requestId, retryAfter: refusal.retryAfter });
    const answer = ANSWERS[refusal.code];
    if (answer) return answer(this, refusal, words);
    if (refusal.status === 401) return this.say(words.say("logged-out"), thread.loginLink("login", words.say("login")));
    if (refusal.isOutage) return this.retryLater(refusal, words.say("kept"));
    this.say(`${words.say("not-sent")} ${refusal.problem.detail ?? ""}`.trim());
  }

  // The same text under the same key, so that it is posted once, whatever became of the first try.
  retryLater(refusal, text) {
    const { words } = this.thread;
    const again = () => {
      clearTimeout(this.timer);
      this.pausedUntil = 0;
      this.enable();
      this.send();
    };
    this.say(text, button("again", words.say("again"), again));
    const wait = WAITS[this.tries ?? 0];
    this.tries = (this.tries ?? 0) + 1;
    const pause = Math.max(wait, (refusal.retryAfter ?? 0) * 1000);
    if (wait) this.timer = setTimeout(() => document.visibilityState === "visible" && this.field.isConnected && again(), pause);
    this.online = again;
  }

  pause(seconds, text) {
    this.pausedUntil = Date.now() + seconds * 1000;
    this.say(text);
    this.enable();
    this.timer = setTimeout(() => {
      this.pausedUntil = 0;
      this.calm();
      this.enable();
    }, seconds * 1000);
  }

  another(key, change) {
    return button("again", this.thread.words.say(key), () => {
      change();
      this.send();
    });
  }

  async preview() {
    const { body } = this;
    if (!body.trim()) return this.field.focus();
    try {
      const { html } = await call(this.thread, "POST", "/preview", { body });
      if (this.isBusy || body !== this.body) return;
      this.shown.replaceChildren();
      show(html, this.shown);
      this.shown.hidden = false;
      this.calm();
    } catch (refusal) {
      if (refusal.status === undefined) throw refusal;
      if (!this.isBusy) this.say(refusal.problem.detail ?? this.thread.words.say("kept"));
    }
  }

  close() {
    this.draft.save();
    this.writing.closeForm(this);
  }

  end() {
    clearTimeout(this.timer);
    this.online = null;
  }
}

// What to do where the service says why it took nothing.
const ANSWERS = {
  "banned": (form, { problem }) => {
    form.writing.ban(problem.banned_until);
    form.say(form.writing.aboutBan());
  },
  "post-closed": (form, refusal, words) => {
    form.say(words.say("closed"));
    form.thread.setPost({ ...form.thread.post, open: false });
  },
  "duplicate-comment": (form, { problem }, words) => {
    form.draft.drop();
    form.field.value = "";
    form.measure();
    form.thread.say(words.say("duplicate"));
    if (form !== form.writing.rootForm) form.writing.closeForm(form);
    form.thread.showComment(problem.comment_id);
  },
  "slow-down": (form, { retryAfter }, words) => {
    const seconds = retryAfter ?? 60;
    const time = words.moment(Date.now() + seconds * 1000, { timeStyle: "medium" });
    form.pause(seconds, words.say("slow", { time }));
  },
  "login-unavailable": (form, refusal, words) => form.retryLater(refusal, `${words.say("login-down")} ${words.say("kept")}`),
  "refused-by-policy": (form, { problem }) => form.say(problem.reason_text ?? problem.detail),
  "idempotency-key-reused": (form) => {
    form.draft.renewKey();
    form.send();
  },
  "stale-version": (form, { problem }, words) => {
    const { comment } = problem;
    const onTop = form.another("on-top", () => (form.version = comment.version));
    form.say(words.say("stale"), show((comment.pending_edit ?? comment).html, make("blockquote", { class: "rich", dir: "auto" })), onTop);
  },
  "edit-window-over": (form, refusal, words) =>
    form.say(words.say("edit-over"), form.another("as-new", () => Object.assign(form, { kind: "root", parentId: form.comment.parentId }))),
  "unknown-parent": (form, refusal, words) =>
    form.say(words.say("parent-gone"), form.another("as-root", () => (form.parentId = null))),
};
