// The Comments list: what everybody sees, and in between the reader's own comments that wait or were refused.

import { button, commentText, element, say, stamp } from "./dom.js";
import { textForm, wordsOf } from "./forms.js";

// What their author reads above a comment of their own that others don't see.
const STANDING = {
  pending: "Awaiting moderation: only you and the moderators see this.",
  rejected: "Not published.",
  spam: "Not published.",
  deleted: "Taken down by a moderator.",
};

// Draw the list. `own` are the reader's comments in any status; `verbs` is null for a visitor, else {reply, edit, withdraw}.
export function drawComments(list, { shown, own, verbs }) {
  const mine = new Map(own.map((comment) => [comment.id, comment]));
  const places = new Map();
  list.replaceChildren();
  for (const item of shown) place(list, places, item, publicItem(item, mine.get(item.id), verbs));
  for (const comment of onlyMine(own, places)) place(list, places, comment, ownItem(comment, verbs));
}

// My comments that the public list does not have, oldest first, as far as there is something to say about them.
function onlyMine(own, places) {
  const worthShowing = ({ status, decision }) => status !== "deleted" || decision?.note_to_author;
  return own.filter((comment) => comment.status !== "approved" && !places.has(comment.id) && worthShowing(comment)).reverse();
}

function place(list, places, { id, parent_id: parentId }, item) {
  places.set(id, item);
  const parent = places.get(parentId);
  if (!parent) {
    list.append(item);
    return;
  }
  const replies = parent.querySelector(":scope > .replies") ?? element("ol", { class: "replies" });
  replies.append(item);
  parent.append(replies);
}

function publicItem(item, mine, verbs) {
  if (item.removed) return listItem(item.id, "removed", element("p", { class: "gone" }, "This comment is no longer here."));
  const body = [head(item), commentText(item.html)];
  if (mine?.pending_edit) body.push(...waitingEdit(mine.pending_edit));
  if (verbs) body.push(...actions(item, mine, verbs, { canReply: true }));
  return listItem(item.id, "approved", ...body);
}

function ownItem(comment, verbs) {
  const standing = element("p", { class: "standing" }, STANDING[comment.status]);
  const body = [head(comment), standing, ...moderatorsNote(comment), commentText(comment.html)];
  return listItem(comment.id, comment.status, ...body, ...actions(comment, comment, verbs, { canReply: false }));
}

function listItem(id, status, ...body) {
  const article = element("article", { class: `comment ${status}`, tabindex: "-1" }, ...body);
  return element("li", { id: `comment-${id}` }, article);
}

function head({ author, created_at: created, edited_at: edited }) {
  const who = element("p", { class: "who" }, element("b", { class: "name" }, author.name));
  if (author.bio) who.append(" ", element("span", { class: "bio" }, author.bio));
  const when = element("p", { class: "when" }, stamp(created));
  if (edited) when.append(", ", stamp(edited, "edited "));
  return element("header", {}, who, when);
}

function waitingEdit(edit) {
  const standing = "Your edit is awaiting moderation: until then everybody sees the text above.";
  return [element("p", { class: "standing" }, standing), element("div", { class: "edit" }, commentText(edit.html))];
}

function moderatorsNote({ decision }) {
  if (!decision?.note_to_author) return [];
  return [element("p", { class: "moderators-note" }, element("b", {}, "The moderator writes: "), decision.note_to_author)];
}

// The row of buttons, and the place below it where a form opens.
function actions(item, mine, verbs, { canReply }) {
  const row = element("p", { class: "actions" });
  const notice = element("p", { class: "notice", role: "status" });
  const drawer = element("div", { class: "drawer" });
  const name = item.author.name;
  if (canReply) row.append(button("Reply", opens(drawer, () => replyForm(item, verbs)), { "aria-label": `Reply to ${name}` }));
  if (mine && canEdit(mine)) row.append(button("Edit", opens(drawer, () => editForm(mine, verbs))));
  if (mine && mine.status !== "deleted") row.append(button("Withdraw", () => withdraw(mine, verbs, notice)));
  return row.children.length ? [row, notice, drawer] : [];
}

function canEdit({ editable_until: until }) {
  return until !== null && Date.parse(until) > Date.now();
}

// Opens a form in the drawer and puts the cursor into it; Cancel closes it and gives the focus back to the button.
function opens(drawer, makeForm) {
  return ({ currentTarget: opener }) => {
    const form = makeForm();
    form.addEventListener("cancelled", () => {
      drawer.replaceChildren();
      opener.focus();
    });
    drawer.replaceChildren(form);
    form.elements.body.focus();
  };
}

function replyForm(item, verbs) {
  return textForm({
    label: `Your reply to ${item.author.name}`,
    action: "Send the reply",
    cancel: closeForm,
    send: (text, key) => verbs.reply(item.id, text, key),
  });
}

function editForm(mine, verbs) {
  return textForm({
    label: "Your comment",
    action: "Send the edit",
    text: mine.pending_edit?.body ?? mine.body,
    cancel: closeForm,
    send: (text) => verbs.edit(mine, text),
  });
}

function closeForm({ currentTarget }) {
  currentTarget.form.dispatchEvent(new CustomEvent("cancelled"));
}

async function withdraw(mine, verbs, notice) {
  if (!window.confirm("Withdraw this comment? You cannot put it back yourself.")) return;
  try {
    await verbs.withdraw(mine);
  } catch (error) {
    say(notice, wordsOf(error), { problem: true });
  }
}
