// What only the author of a comment sees of it: where it stands, why it was refused, what they can do with it.

import { hide, isHidden } from "./drafts.js";
import { show } from "./html.js";
import { button, make } from "./make.js";

const REFUSED = ["rejected", "spam"];
const LONGEST_TIMER = 2147483647;

// Whether its author has seen enough of it.
export const isDismissed = ({ id, status }) => REFUSED.includes(status) && isHidden(id);

// Whether a comment has anything to show by itself.
export const isWanted = ({ item, own }) => item || (own && ["pending", ...REFUSED].includes(own.status));

// What stands above and below the text that everybody sees, or will see.
export const aboutOwn = ({ item, own, status, thread }) => {
  const badge = (key) => make("p", { part: "badge" }, thread.words.say(key));
  const note = (text) => text && make("p", { part: "note", dir: "auto" }, text);
  const above = [];
  if (status === "pending") above.push(badge("pending"));
  if (REFUSED.includes(status)) {
    const { reason, reason_text: text, note_to_author: said } = own.decision ?? {};
    above.push(badge("refused"), note(text || reason), note(said));
  }
  if (!own.pending_edit || !item) return { above: above.filter(Boolean) };
  const edit = make("div", { part: "text", class: "rich edit", dir: "auto" });
  return { above, below: [badge("pending-edit"), show(own.pending_edit.html, edit)] };
};

// The buttons of a comment for a reader who may write: of their own and of others.
export const actionsOf = (comment) => {
  const { own, status, thread } = comment;
  const { words, writing } = thread;
  const mayWrite = thread.post.open && thread.readerState === "reader";
  const offer = (part, label, onclick) => button(part, words.say(part), onclick, { "aria-label": label });
  const offered = [];
  if (status === "approved" && mayWrite) {
    offered.push(offer("reply", words.say("reply-to", { name: comment.author }), () => writing.openForm("reply", comment)));
  }
  const left = own?.editable_until ? new Date(own.editable_until) - Date.now() : 0;
  if (left > 0 && mayWrite) {
    offered.push(offer("edit", words.say("edit-yours"), () => writing.openForm("edit", comment)));
    clearTimeout(comment.timer);
    comment.timer = setTimeout(() => thread.isOver || comment.drawActions(), Math.min(left + 50, LONGEST_TIMER));
  }
  if (own && ["pending", "approved"].includes(status)) {
    offered.push(offer("withdraw", words.say("withdraw-yours"), () => askToWithdraw(comment)));
  }
  if (REFUSED.includes(status)) {
    const hideIt = () => {
      hide(comment.id);
      comment.own = null;
      writing.leave(comment);
    };
    offered.push(button("cancel", words.say("hide"), hideIt));
  }
  return offered;
};

// Asked where the buttons are: the question takes their place.
const askToWithdraw = (comment) => {
  const { words, writing } = comment.thread;
  const keep = () => {
    comment.draw();
    comment.bar.querySelector("[name=withdraw]")?.focus();
  };
  const question = make("span", { id: `ask-${comment.id}` }, words.say("withdraw-ask"));
  const described = { "aria-describedby": question.id };
  const traits = { ...described, "aria-label": words.say("withdraw-yours") };
  const withdraw = button("withdraw", words.say("withdraw"), () => writing.withdraw(comment), traits);
  comment.bar.replaceChildren(question, withdraw, button("cancel", words.say("keep"), keep, described));
  withdraw.focus();
};
