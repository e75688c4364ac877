// The moderator's panel: what waits and why, the buttons, and after a decision the way back.

import { button, commentText, element, say, stamp } from "./dom.js";
import { Refusal, wordsOf } from "./gatepost.js";

const FOR_A_COMMENT = [
  ["approve", "Approve"],
  ["reject", "Reject"],
  ["spam", "Spam"],
  ["delete", "Delete"],
];
const FOR_AN_EDIT = [
  ["approve", "Publish the edit"],
  ["discard_edit", "Keep the old text"],
  ["reject", "Reject the comment"],
];
const DONE = {
  approve: "Approved: everybody sees it now.",
  reject: "Rejected: its author reads why.",
  spam: "Marked as spam.",
  delete: "Deleted.",
  discard_edit: "The old text stays.",
};
const PAST = {
  approve: "approved it",
  reject: "rejected it",
  spam: "marked it as spam",
  delete: "deleted it",
  restore: "put it back into the queue",
  discard_edit: "kept the old text",
  withdraw: "withdrew it",
  undo: "took a decision back",
};
const CONFLICTS = new Set(["stale-version", "already-decided", "illegal-transition", "newer-decision"]);

// Draw the queue. `verbs`: {decide(entry, action, note), undo(decision), refresh()}.
export function drawQueue(list, entries, verbs) {
  const nothing = element("li", { class: "nothing" }, "Nothing waits. Put the kettle on.");
  list.replaceChildren(...(entries.length ? entries.map((entry) => entryItem(entry, verbs)) : [nothing]));
}

function entryItem(entry, verbs) {
  const { comment, parent } = entry;
  const item = element("li", { class: "entry", "data-comment": comment.id });
  const note = element("input", { type: "text", maxlength: "2000", autocomplete: "off" });
  item.append(
    entryHead(entry),
    element("ul", { class: "why" }, ...entry.why.map((why) => element("li", { "data-code": why.code }, why.text))),
    ...(parent ? [inReplyTo(parent)] : []),
    ...texts(comment),
    element("label", { class: "note" }, "Note to the author, if you reject it ", note),
    decisionRow(item, entry, note, verbs),
  );
  return item;
}

function entryHead({ comment, author_record: record, waiting_since: since }) {
  const { author } = comment;
  const times = (count, word) => `${count} ${word}`;
  const standing = `${times(record.approved, "approved")}, ${times(record.rejected, "rejected")} so far`;
  const who = element("p", { class: "who" }, element("b", { class: "name" }, author.name), " ");
  if (author.bio) who.append(element("span", { class: "bio" }, author.bio));
  return element("header", {}, who, element("p", { class: "when" }, stamp(since, "waiting since "), ` (${standing})`));
}

function inReplyTo(parent) {
  return element("blockquote", { class: "parent" }, element("p", {}, `In reply to ${parent.author.name}:`), commentText(parent.html));
}

function texts(comment) {
  if (!comment.pending_edit) return [commentText(comment.html)];
  return [
    element("p", { class: "label" }, "Published now"),
    commentText(comment.html),
    element("p", { class: "label" }, "The author's new text"),
    element("div", { class: "edit" }, commentText(comment.pending_edit.html)),
  ];
}

function decisionRow(item, entry, note, verbs) {
  const row = element("p", { class: "decisions" });
  const choices = entry.comment.pending_edit ? FOR_AN_EDIT : FOR_A_COMMENT;
  for (const [action, label] of choices) {
    const press = () => attempt(item, verbs, async () => decided(item, await verbs.decide(entry, action, note.value), verbs));
    const kind = action === "approve" ? "primary" : "quiet";
    row.append(button(label, press, { class: kind, "aria-label": `${label}: ${entry.comment.author.name}` }));
  }
  return row;
}

// The entry gives its place to what was decided, so nothing jumps and Undo is where the hand already is.
function decided(item, { decision, comment }, verbs) {
  const undo = button("Undo", () => attempt(item, verbs, () => verbs.undo(decision)), {
    "aria-label": `Undo: ${comment.author.name}`,
  });
  const sentence = element("p", {}, `${DONE[decision.action]} `, element("span", { class: "who" }, `(${comment.author.name}) `), undo);
  item.classList.add("settled");
  item.replaceChildren(sentence);
  undo.focus();
}

async function attempt(item, verbs, verb) {
  try {
    await verb();
  } catch (error) {
    explain(item, error, verbs);
  }
}

// A refusal in words, in the entry itself. After a conflict its buttons would only conflict again, so they go.
function explain(item, error, verbs) {
  const words = wordsOf(error);
  const conflict = error instanceof Refusal && CONFLICTS.has(error.problem.code);
  const notice = item.querySelector(".notice") ?? element("p", { class: "notice", role: "alert" });
  item.append(notice);
  say(notice, conflict ? `${words} ${whoWon(error.problem)}` : words, { problem: true });
  if (!conflict) return;
  item.querySelector(".decisions")?.remove();
  item.querySelector(".note")?.remove();
  const again = button("Look again", verbs.refresh);
  item.append(again);
  again.focus();
}

function whoWon({ decision, comment }) {
  if (!decision) return comment ? "Read its newest text, then decide." : "";
  const { actor, action, created_at: when } = decision;
  return `${actor.name} ${PAST[action] ?? "decided"} ${stamp(when).textContent}.`;
}
