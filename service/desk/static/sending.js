// Decisions on their way. They go one behind the other, in the order in which they were pressed, and none counts before
// the service has confirmed it.

import { adopt, all, aloud, ask, cardOf, cards, find, isOpen, main, saidIn, send, showNumber, tell, word } from "./page.js";
import { showLetters } from "./letters.js";
import { choose, current, keepPlace, moveOn, moveTo, swap } from "./place.js";

export const FEW_LEFT = 5;
const LONGEST_PAUSE_SECONDS = 30;
const jobs = [];
const done = [];
let isBusy = false;
let isSupplying = false;
let failures = 0;
let timer = 0;

export const isUnsent = (id) => jobs.some((job) => job.id === id);

// The numbers above the cards: they are those of the cards themselves.
export const showNumbers = () => {
  const count = (state) => cards().filter((card) => card.dataset.state === state).length;
  showNumber("decided", count("decided"));
  showNumber("needs", count("conflict"));
  showNumber("unsent", count("failed"));
};

const mark = (id, state, text) => {
  const card = cardOf(id);
  if (!card) return;
  keepPlace(() => {
    card.dataset.state = state;
    tell(card, text);
  }, card);
};

const fail = (reply) => {
  failures += 1;
  const pause = reply.pause || Math.min(2 ** (failures - 1), LONGEST_PAUSE_SECONDS);
  const text = `${saidIn(reply) ?? ""} ${word("failed")}`;
  for (const job of jobs) mark(job.id, "failed", text);
  if (failures === 1) aloud(word("failed"));
  timer = setTimeout(sendNext, pause * 1000);
};

const settle = (job, reply) => {
  const card = cardOf(job.id);
  if (reply.status === 201 || reply.status === 409) {
    swap(card, adopt(reply, "[data-card]")[0]);
    if (reply.status === 201 && !job.body) done.splice(done.indexOf(job.id), 1);
  } else {
    mark(job.id, "conflict", saidIn(reply) ?? word("failed"));
  }
  main.dispatchEvent(new Event("settled"));
};

// 401 and 403: whoever signs in again in another tab loses nothing. Where the service did not understand, sending the
// same again does not help.
const isLater = (reply) => {
  const { status, page } = reply;
  const isAnswer = page && (status === 201 || status === 409 ? find("[data-card]", page) : true);
  return !isAnswer || status >= 500 || [0, 401, 403, 408, 429].includes(status);
};

export const sendNext = async () => {
  if (isBusy || !jobs.length) return;
  clearTimeout(timer);
  const [job] = jobs;
  // An undo waits for the decision before it: its form comes with that.
  const card = cardOf(job.id);
  const form = job.body ? null : card && find("form.settled", card);
  if (!job.body && !form) {
    jobs.shift();
    return sendNext();
  }
  isBusy = true;
  mark(job.id, "sending");
  showNumbers();
  job.wasSent = true;
  const address = form ? form.getAttribute("action") : job.address;
  const body = job.body ?? new URLSearchParams(new FormData(form));
  body.set("csrf", find("[name=csrf]").value);
  const reply = await send(address, body);
  isBusy = false;
  if (!isLater(reply)) {
    jobs.shift();
    failures = 0;
    settle(job, reply);
    sendNext();
  } else if (reply.status === 0 && !job.wasLost && navigator.onLine) {
    // The service may have got it: it knows the same decision when it comes again.
    job.wasLost = true;
    sendNext();
  } else {
    fail(reply);
  }
  showNumbers();
};

const queue = (job) => {
  jobs.push(job);
  mark(job.id, failures ? "failed" : "sending", failures ? word("failed") : null);
  showNumbers();
  // While it pauses, what is pressed waits with the others.
  if (!failures) sendNext();
};

// What the button of a card says, with the fields of its form. The next card becomes the current one at once.
export const decide = (card, button) => {
  if (!isOpen(card)) return;
  const { form } = button;
  const body = new URLSearchParams(new FormData(form));
  body.append(button.name, button.value);
  const id = card.dataset.commentId;
  aloud("");
  if (done.includes(id)) done.splice(done.indexOf(id), 1);
  done.push(id);
  choose(card);
  card.dataset.state = "sending";
  moveOn();
  queue({ id, address: form.getAttribute("action"), body });
};

const isUndoing = (id) => jobs.some((job) => job.id === id && !job.body);

// Takes a decision back; what was not sent yet is not sent at all.
export const undo = (id = done.findLast((one) => !isUndoing(one))) => {
  const card = id && cardOf(id);
  if (!card) {
    const flash = find(".flash form");
    if (flash) flash.requestSubmit();
    else aloud(word("nothing-to-undo"));
    return;
  }
  const at = jobs.findIndex((job) => job.id === id);
  if (isUndoing(id)) return;
  aloud("");
  if (at >= 0 && !jobs[at].wasSent) {
    jobs.splice(at, 1);
    done.splice(done.indexOf(id), 1);
    mark(id, "waiting");
    showNumbers();
  } else if (card.dataset.state === "decided" || at >= 0) {
    queue({ id });
  } else {
    done.splice(done.indexOf(id), 1);
    return undo();
  }
  moveTo(cardOf(id));
};

// Cards that are not on the page yet, behind the others.
export const append = (found) => {
  const fresh = found.filter((card) => !cardOf(card.dataset.commentId));
  for (const card of fresh) showLetters(card);
  keepPlace(() => cards().at(-1).after(...fresh));
  if (!isOpen(current()) && current()?.dataset.state !== "gone") moveOn();
};

// Before the cards run out, the next page of the list comes in behind them.
export const supply = async () => {
  const link = find("main > .older [rel=next]");
  if (isSupplying || !link || main.dataset.page !== "queue") return;
  if (cards().filter(isOpen).length > FEW_LEFT) return;
  isSupplying = true;
  const reply = await ask("GET", link.href);
  isSupplying = false;
  if (reply.status !== 200 || !reply.page) return;
  append(adopt(reply, "main > [data-card]"));
  const [next] = adopt(reply, "main > .older");
  if (next) link.parentNode.replaceWith(next);
  else link.parentNode.remove();
  supply();
};

export const nextConflict = () => {
  const list = cards();
  const at = list.indexOf(current());
  const following = [...list.slice(at + 1), ...list.slice(0, at + 1)];
  moveTo(following.find((card) => card.dataset.state === "conflict"));
};

export const startSending = () => {
  addEventListener("online", sendNext);
  addEventListener("beforeunload", (event) => {
    if (jobs.length) event.preventDefault();
  });
  find("[data-number=needs]").addEventListener("click", nextConflict);
  find("[data-number=unsent]").addEventListener("click", sendNext);
  for (const card of all("[data-card]")) card.tabIndex = -1;
  showNumbers();
};
