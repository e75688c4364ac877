// The page: who is looking, what they see, and what becomes of it when they do something. Loaded by page.html.

import { record } from "./calls.js";
import { drawComments } from "./comments.js";
import { say } from "./dom.js";
import { textForm, wordsOf } from "./forms.js";
import { COOKIE_JAR, credentialOf, Gatepost } from "./gatepost.js";
import { drawQueue } from "./moderation.js";

const { gatepost: address, site, post, postTitle } = document.body.dataset;
const AS_MANY_AS_GO = 200;
const THANKS = "Thank you. Your comment is awaiting moderation.";
const POST_PATH = `/posts/${encodeURIComponent(post)}/comments`;

const part = (id) => document.getElementById(id);

// What the page knows. `turn` counts the looks: an answer to an older look (of somebody else!) is never drawn.
const page = { turn: 0, who: document.body.dataset.reader, may: [], own: [], trouble: "", shown: [], count: 0, next: null };
let gatepost = connect();

function connect() {
  const kind = part("credential").elements.credential.value;
  return new Gatepost({ address, site, credential: page.who ? credentialOf(kind) : null });
}

// --- Looking ---------------------------------------------------------------------------------------------------------

async function look() {
  const turn = ++page.turn;
  part("comments").setAttribute("aria-busy", "true");
  try {
    const seen = await fetchAll();
    if (turn !== page.turn) return;
    Object.assign(page, seen);
    draw();
  } catch (error) {
    const words = wordsOf(error);
    if (turn !== page.turn) return;
    say(part("comments-notice"), words, { problem: true });
  }
  part("comments").setAttribute("aria-busy", "false");
}

async function fetchAll() {
  const [everybodys, own] = await Promise.all([gatepost.read(POST_PATH), fetchOwn()]);
  return { ...own, shown: everybodys.comments, count: everybodys.post.count, next: everybodys.next };
}

// What only this reader sees. When Gatepost does not know them (any more), they still see what everybody sees, and why.
async function fetchOwn() {
  const nothing = { may: [], own: [], trouble: "" };
  if (!page.who) return nothing;
  try {
    const asked = [gatepost.send("GET", `/me/comments?limit=${AS_MANY_AS_GO}`), gatepost.send("GET", "/me")];
    const [{ comments }, { may }] = await Promise.all(asked);
    return { may, own: comments.filter((comment) => comment.post === post), trouble: "" };
  } catch (error) {
    return { ...nothing, trouble: wordsOf(error) };
  }
}

async function lookFurther() {
  const { turn } = page;
  try {
    const rest = await gatepost.read(`${POST_PATH}?cursor=${encodeURIComponent(page.next)}`);
    if (turn !== page.turn) return;
    page.shown = [...page.shown, ...rest.comments];
    page.next = rest.next;
    draw();
  } catch (error) {
    say(part("comments-notice"), wordsOf(error), { problem: true });
  }
}

async function lookAtQueue() {
  const { turn } = page;
  if (!page.may.includes("moderate")) return;
  try {
    const { entries, total } = await gatepost.send("GET", "/queue");
    if (turn !== page.turn) return;
    say(part("queue-notice"), total === 1 ? "One comment waits." : `${total || "No"} comments wait.`);
    drawQueue(part("queue-entries"), entries, { decide, undo, refresh: everything });
  } catch (error) {
    say(part("queue-notice"), wordsOf(error), { problem: true });
  }
}

async function everything() {
  await look();
  await lookAtQueue();
}

function draw() {
  const moderator = page.may.includes("moderate");
  part("queue").hidden = !moderator;
  part("jump").href = moderator ? "#queue" : "#comments";
  part("jump").textContent = moderator ? "To the queue" : "To the comments";
  const verbs = page.may.includes("submit") ? { reply, edit, withdraw } : null;
  const counted = { 0: "No comments yet.", 1: "One comment." }[page.count] ?? `${page.count} comments.`;
  say(part("comments-notice"), page.trouble || counted, { problem: Boolean(page.trouble) });
  drawComments(part("comment-list"), { shown: page.shown, own: page.own, verbs });
  part("comments-more").hidden = page.next === null;
}

// --- A reader's verbs ------------------------------------------------------------------------------------------------

async function submit(text, key, parentId = null) {
  const label = { title: postTitle, url: new URL("/", location.href).href };
  const body = { body: text, post: label, ...(parentId && { parent_id: parentId }) };
  const headers = { "Idempotency-Key": key };
  const { comment } = await gatepost.send("POST", POST_PATH, { body, headers });
  await everything();
  showComment(comment.id);
}

function reply(parentId, text, key) {
  return submit(text, key, parentId);
}

async function edit({ id, version }, text) {
  await gatepost.send("PATCH", `/comments/${id}`, { body: { body: text, version } });
  await everything();
  showComment(id);
}

async function withdraw({ id }) {
  await gatepost.send("DELETE", `/comments/${id}`);
  await everything();
  part("comments-heading").focus();
}

function showComment(id) {
  part(`comment-${id}`)?.querySelector(".comment").focus();
}

// --- A moderator's verbs ---------------------------------------------------------------------------------------------

async function decide({ comment }, action, note) {
  const told = note.trim() ? { note_to_author: note.trim() } : {};
  const body = { action, version: comment.version, ...told };
  const made = await gatepost.send("POST", `/comments/${comment.id}/decisions`, { body });
  await look();
  return made;
}

async function undo({ id }) {
  await gatepost.send("POST", `/decisions/${id}/undo`);
  await everything();
  part("queue-heading").focus();
}

// --- Who is looking --------------------------------------------------------------------------------------------------

function showLogin() {
  part("login-line").hidden = Boolean(page.who);
  part("write-area").hidden = !page.who;
  for (const choice of part("switch").elements.who) choice.setAttribute("aria-pressed", String(choice.value === page.who));
}

async function logInAs(who) {
  const body = new URLSearchParams({ who });
  recordLogin(who);
  await fetch("/login", { method: "POST", body, redirect: "manual" });
  const { reader } = await (await fetch("/reader")).json();
  page.who = reader?.key ?? "";
  await startOver();
}

function recordLogin(who) {
  if (!who) return;
  const url = new URL("/login", location.href).href;
  record({ method: "POST", url, body: `who=${who}`, options: ["-c", COOKIE_JAR] })("303 See Other");
}

// Another reader, or another credential: nothing that the last one saw stays on the page.
async function startOver() {
  page.turn += 1;
  Object.assign(page, { may: [], own: [], trouble: "" });
  gatepost = connect();
  showLogin();
  showForm();
  draw();
  part("queue-entries").replaceChildren();
  await everything();
}

function showForm() {
  part("write-area").querySelector("form")?.remove();
  part("write-area").append(textForm({ label: "Your comment", action: "Post the comment", thanks: THANKS, send: submit }));
}

// --- Start -----------------------------------------------------------------------------------------------------------

part("switch").addEventListener("submit", (event) => {
  event.preventDefault();
  logInAs(event.submitter.value);
});
part("credential").addEventListener("change", startOver);
part("comments-refresh").addEventListener("click", everything);
part("queue-refresh").addEventListener("click", everything);
part("comments-more").addEventListener("click", lookFurther);

recordLogin(page.who);
showForm();
everything().finally(() => document.body.classList.remove("opening"));
