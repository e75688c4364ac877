// One comment on the page: what everybody sees (`item`), what only its author sees (`own`), and its replies.

import { hide, isHidden } from "./drafts.js";
import { show } from "./html.js";
import { button, make } from "./make.js";

const REFUSED = ["rejected", "spam"];
const LONGEST_TIMER = 2147483647;

export class Comment {
  constructor(thread, id) {
    this.thread = thread;
    this.id = id;
    this.article = make("article", { tabindex: -1, "data-comment-id": id });
    this.li = make("li", null, this.article);
    this.anchor = make("span", { id: `comment-${id}`, slot: `anchor-${id}` });
  }

  get status() {
    return this.item ? (this.item.removed ? "removed" : "approved") : (this.own?.status ?? "removed");
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

  // Whether it has anything to show by itself.
  get isWanted() {
    if (this.item) return true;
    return this.own && (this.own.status === "pending" || (REFUSED.includes(this.own.status) && !isHidden(this.id)));
  }

  draw() {
    const { article, status, own, thread } = this;
    const focused = article.contains(thread.root.activeElement) && thread.root.activeElement.name;
    const traits = { mine: own, pending: status === "pending", refused: REFUSED.includes(status), tombstone: status === "removed" };
    article.setAttribute("part", ["comment", ...Object.keys(traits).filter((trait) => traits[trait])].join(" "));
    article.dataset.status = status;
    article.toggleAttribute("data-mine", Boolean(own));
    const slot = make("slot", { name: this.anchor.slot });
    const inside = status === "removed" ? [this.line("text", "removed")] : this.body(own);
    article.setAttribute("aria-labelledby", status === "removed" ? `text-${this.id}` : `name-${this.id} time-${this.id}`);
    article.replaceChildren(slot, ...inside.filter(Boolean));
    if (focused) article.querySelector(`[name="${focused}"]`)?.focus({ preventScroll: true });
  }

  line(part, key) {
    return make("p", { part, id: `${part}-${this.id}` }, this.thread.words.say(key));
  }

  body(own) {
    const { item, status } = this;
    const shown = item ?? own;
    const decision = REFUSED.includes(status) && own.decision;
    return [
      this.byline(shown),
      status === "pending" && this.badge("pending"),
      REFUSED.includes(status) && this.badge("refused"),
      decision && this.note(decision.reason_text || decision.reason),
      decision && this.note(decision.note_to_author),
      show(shown.html, make("div", { part: "text", dir: "auto" })),
      own?.pending_edit && item && this.badge("pending-edit"),
      own?.pending_edit && item && show(own.pending_edit.html, make("div", { part: "text", class: "edit", dir: "auto" })),
      this.actions(own, status),
    ];
  }

  byline({ author, created_at: at, edited_at: edited, parent_id: parent }) {
    const { words, options } = this.thread;
    const link = { href: /^https?:/i.test(author.url ?? "") && author.url, rel: "nofollow ugc noopener" };
    const named = link.href ? make("a", link, author.name) : author.name;
    const answers = parent && parent !== this.above?.id && words.say("answers");
    return make(
      "header",
      { part: "byline" },
      options.avatars && author.avatar && make("img", { part: "avatar", src: author.avatar, alt: "", loading: "lazy" }),
      make("span", { part: "author", id: `name-${this.id}`, dir: "auto" }, named),
      author.bio && make("span", { part: "bio", dir: "auto" }, author.bio),
      make(
        "span",
        { class: "when" },
        ...words.fill(edited ? "edited" : "{written}", {
          written: make("a", { href: `#comment-${this.id}` }, this.time(at, `time-${this.id}`)),
          edited: edited && this.time(edited),
        }),
      ),
      answers && make("span", { class: "answers" }, this.thread.list.has(parent) ? make("a", { href: `#comment-${parent}` }, answers) : answers),
    );
  }

  time(when, id) {
    const { words, options } = this.thread;
    const text = options.relative ? words.ago(when) : words.moment(when);
    return make("time", { part: "time", id, datetime: when, title: options.relative && words.moment(when) }, text);
  }

  badge(key) {
    return make("p", { part: "badge" }, this.thread.words.say(key));
  }

  note(text) {
    return text && make("p", { part: "note", dir: "auto" }, text);
  }

  actions(own, status) {
    const { thread, author } = this;
    const { words } = thread;
    const buttons = [];
    if (this.item && thread.post.open && thread.readerState === "reader") {
      const label = words.say("reply-to", { name: author });
      buttons.push(button("reply", words.say("reply"), () => thread.openForm("reply", this), { "aria-label": label }));
    } else if (this.item && thread.post.open && thread.readerState === "visitor") {
      buttons.push(thread.loginLink("reply", words.say("reply"), words.say("reply-to", { name: author })));
    }
    const left = own?.editable_until ? new Date(own.editable_until) - Date.now() : 0;
    if (left > 0 && thread.post.open && thread.readerState === "reader") {
      const opening = () => thread.openForm("edit", this);
      buttons.push(button("edit", words.say("edit"), opening, { "aria-label": words.say("edit-yours") }));
      clearTimeout(this.timer);
      this.timer = setTimeout(() => thread.isOver || this.drawActions(), Math.min(left + 50, LONGEST_TIMER));
    }
    if (own && ["pending", "approved"].includes(status)) {
      const asking = () => this.askToWithdraw();
      buttons.push(button("withdraw", words.say("withdraw"), asking, { "aria-label": words.say("withdraw-yours") }));
    }
    if (REFUSED.includes(status)) buttons.push(button("cancel", words.say("hide"), () => this.hide()));
    this.bar = make("div", { part: "actions" }, ...buttons.filter(Boolean));
    return this.bar;
  }

  drawActions() {
    this.bar?.replaceWith(this.actions(this.own, this.status));
  }

  // Asked where the buttons are: the question takes their place.
  askToWithdraw() {
    const { words } = this.thread;
    const keep = () => {
      this.draw();
      this.bar.querySelector("[name=withdraw]")?.focus();
    };
    const question = make("span", { id: `ask-${this.id}` }, words.say("withdraw-ask"));
    const described = { "aria-describedby": question.id };
    this.bar.replaceChildren(
      question,
      button("withdraw", words.say("withdraw"), () => this.thread.withdraw(this), { ...described, "aria-label": words.say("withdraw-yours") }),
      button("cancel", words.say("keep"), keep, described),
    );
    this.bar.querySelector("[name=withdraw]").focus();
  }

  hide() {
    hide(this.id);
    this.thread.leave(this);
  }
}
