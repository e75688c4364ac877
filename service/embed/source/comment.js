// One comment on the page: what everybody sees (`item`), what only its author sees (`own`), and its replies.

import { show } from "./html.js";
import { make } from "./make.js";

// How parts of the page's style may call comments in these states.
const TRAITS = { pending: "pending", rejected: "refused", spam: "refused", removed: "tombstone" };

export class Comment {
  constructor(thread, id) {
    this.thread = thread;
    this.id = id;
    this.article = make("article", { tabindex: -1, "data-comment-id": id });
    this.li = make("li", null, this.article);
    this.anchor = make("span", { id: `comment-${id}`, slot: `anchor-${id}` });
  }

  get status() {
    const { item, own } = this;
    if (item && !item.removed) return "approved";
    return own && own.status !== "approved" ? own.status : "removed";
  }

  get author() {
    return (this.item?.author ?? this.own?.author)?.name ?? "";
  }

  get createdAt() {
    return this.item?.created_at ?? this.own?.created_at;
  }

  get parentId() {
    return (this.item ?? this.own).parent_id;
  }

  get replies() {
    const { thread, depth } = this;
    this.list ??= make("ol", { part: "replies", class: depth + 1 >= thread.options.replyDepth ? "deep" : null });
    if (this.list.parentNode !== this.li) this.li.append(this.list);
    return this.list;
  }

  get hasReplies() {
    return Boolean(this.list?.firstElementChild);
  }

  draw() {
    const { article, id, status, own, thread, focused } = this;
    const isGone = status === "removed";
    article.setAttribute("part", ["comment", own && "mine", TRAITS[status]].filter(Boolean).join(" "));
    article.setAttribute("aria-labelledby", isGone ? `text-${id}` : `name-${id} time-${id}`);
    article.dataset.status = status;
    article.toggleAttribute("data-mine", Boolean(own));
    const inside = isGone ? [make("p", { part: "text", id: `text-${id}` }, thread.words.say("removed"))] : this.body();
    article.replaceChildren(make("slot", { name: this.anchor.slot }), ...inside);
    this.refocus(focused);
  }

  // What in it has the keyboard.
  get focused() {
    const { activeElement } = this.thread.root;
    return this.article.contains(activeElement) && activeElement;
  }

  // The keyboard stays in the comment, whatever was drawn anew.
  refocus(was) {
    if (was && !was.isConnected) (this.article.querySelector(`[name="${was.name}"]`) ?? this.article).focus({ preventScroll: true });
  }

  body() {
    const { item, own, thread } = this;
    const { above = [], below = [] } = own ? thread.writing.about(this) : {};
    const shown = item?.author ? item : own;
    return [this.byline(shown), ...above, show(shown.html, make("div", { part: "text", class: "rich", dir: "auto" })), ...below, this.drawActions()];
  }

  byline({ author, created_at: at, edited_at: edited, parent_id: parent }) {
    const { list, options, words } = this.thread;
    const href = /^https?:/i.test(author.url ?? "") && author.url;
    const named = href ? make("a", { href, rel: "nofollow ugc noopener" }, author.name) : author.name;
    const answers = parent && parent !== this.above?.id && words.say("answers");
    const times = { written: make("a", { href: `#comment-${this.id}` }, this.time(at, `time-${this.id}`)), edited: edited && this.time(edited) };
    return make(
      "header",
      { part: "byline" },
      options.avatars && author.avatar && make("img", { part: "avatar", src: author.avatar, alt: "", loading: "lazy" }),
      make("span", { part: "author", id: `name-${this.id}`, dir: "auto" }, named),
      author.bio && make("span", { part: "bio", dir: "auto" }, author.bio),
      make("span", { class: "when" }, ...words.fill(edited ? "edited" : "{written}", times)),
      answers && make("span", { class: "answers" }, list.has(parent) ? make("a", { href: `#comment-${parent}` }, answers) : answers),
    );
  }

  time(when, id) {
    const { options, words } = this.thread;
    const [text, title] = options.relative ? [words.ago(when), words.moment(when)] : [words.moment(when)];
    return make("time", { part: "time", id, datetime: when, title }, text);
  }

  // What may be done with it: a visitor is shown the way to the login.
  drawActions() {
    const { thread, focused } = this;
    const bar = make("div", { part: "actions" }, ...(thread.writing?.actions(this) ?? []));
    if (this.item && thread.post.open && thread.readerState === "visitor") {
      const { words } = thread;
      bar.append(...[thread.loginLink("reply", words.say("reply"), words.say("reply-to", { name: this.author }))].filter(Boolean));
    }
    this.bar?.replaceWith(bar);
    this.refocus(focused);
    return (this.bar = bar);
  }
}
