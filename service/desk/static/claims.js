// What a moderator holds: more of it, and for longer while somebody works.

import { adopt, all, aloud, cardOf, cards, find, isOpen, many, saidIn, send, tell, word } from "./page.js";
import { keepPlace, swap } from "./place.js";
import { FEW_LEFT, append, isUnsent, supply } from "./sending.js";

const GIVEN_BACK = "gatepost-desk-given-back";
const SUPPLIED = "gatepost-desk-supplied";
const RENEW_MILLISECONDS = 240000;
const WORKING_MILLISECONDS = 300000;
const GIVE_BACK_MILLISECONDS = 600000;
let active = 0;
let isTaking = false;

const idle = () => performance.now() - active;
const mine = () => cards().filter((card) => isOpen(card) && card.dataset.claim === "mine");

const form = (fields) => {
  const body = new URLSearchParams(new FormData(find(".claims")));
  for (const [name, value] of fields) body.append(name, value);
  return body;
};

const claims = (fields) => send(find(".claims").getAttribute("action"), form(fields));
const about = (held) => held.map((card) => ["comment", card.dataset.commentId]);

// Brings what the service hands over; null: it said why not.
const takeNext = async () => {
  const reply = await claims([["do", "take"]]);
  if (reply.status !== 200) {
    aloud(saidIn(reply) ?? word("no-reply"));
    return null;
  }
  const found = adopt(reply, "[data-card]");
  for (const card of found) {
    const old = cardOf(card.dataset.commentId);
    if (isOpen(old)) swap(old, card);
  }
  append(found.filter((card) => !card.isConnected));
  return found.length;
};

// Takes the next ones, without leaving the page.
export const take = async () => {
  const button = find(".claims [value=take]");
  if (!button) return;
  if (!cards().length) return button.click();
  const number = await takeNext();
  if (number !== null) aloud(many("taken", number));
};

// Before the cards run out: more of the list, or, for whoever wants to be kept supplied, the next ones to be theirs.
export const refill = async () => {
  if (find("#supplied")?.checked && !isTaking && mine().length <= FEW_LEFT && cards().length) {
    isTaking = true;
    await takeNext();
    isTaking = false;
  }
  supply();
};

// What the cards say of who holds them; null: nobody any more.
const say = (held, lines) => {
  for (const card of held.filter(isOpen)) {
    const line = lines?.get(card.dataset.commentId);
    keepPlace(() => {
      find(".claim", card).textContent = line ?? "";
      if (!line) card.dataset.claim = "free";
      if (!line) tell(card, word("lost"));
    }, card);
  }
};

const renew = async () => {
  const held = mine();
  if (document.hidden || !held.length || idle() > WORKING_MILLISECONDS) return;
  const reply = await claims([["do", "renew"], ...about(held)]);
  if (reply.status !== 200) return;
  say(held, new Map(all("[data-comment-id]", reply.page).map((line) => [line.dataset.commentId, line.textContent])));
};

const giveBackIdle = async () => {
  const held = mine().filter((card) => !isUnsent(card.dataset.commentId));
  if (!held.length || idle() < GIVE_BACK_MILLISECONDS) return;
  const reply = await claims([["do", "give-back"], ...about(held)]);
  if (reply.status === 200) say(held, null);
};

// The other windows of this browser that show the queue, as far as they have said so.
const otherWindows = (home) => {
  const others = new Set();
  const me = Math.random();
  const channel = new BroadcastChannel(home);
  const say = (isHere) => channel.postMessage([me, isHere]);
  channel.onmessage = ({ data: [who, isHere] }) => {
    if (!isHere) others.delete(who);
    else if (!others.has(who)) {
      others.add(who);
      say(true);
    }
  };
  say(true);
  addEventListener("pagehide", () => say(false));
  return others;
};

// Who goes from one page of the desk to another goes on working, in another window too, and who loads a page again gets
// back what they held. Browsers that do not say where a page goes to keep what is held until its time is over.
const giveBackOnLeaving = () => {
  if (!window.navigation) return;
  const home = new URL(find("#tools").dataset.root, location.href).href;
  const others = otherWindows(home);
  let isStaying = false;
  navigation.addEventListener("navigate", (event) => {
    isStaying = !event.hashChange && event.destination.url.startsWith(home);
  });
  addEventListener("pagehide", () => {
    const held = mine();
    if (!held.length || isStaying || others.size) return;
    navigator.sendBeacon(find(".claims").getAttribute("action"), form([["do", "give-back"], ...about(held)]));
    sessionStorage.setItem(GIVEN_BACK, JSON.stringify(about(held)));
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
};

const takeAgain = async () => {
  const given = JSON.parse(sessionStorage.getItem(GIVEN_BACK));
  sessionStorage.removeItem(GIVEN_BACK);
  if (!given || performance.getEntriesByType("navigation")[0].type === "navigate") return;
  const reply = await claims([["do", "renew"], ...given]);
  if (reply.status === 200) location.reload();
};

const startSupplied = () => {
  const box = find("#supplied");
  box.parentNode.hidden = false;
  box.checked = localStorage.getItem(SUPPLIED) === "1";
  box.addEventListener("change", () => localStorage.setItem(SUPPLIED, box.checked ? "1" : ""));
};

export const startClaims = () => {
  for (const name of ["keydown", "pointerdown"]) {
    addEventListener(name, () => {
      active = performance.now();
    }, { passive: true });
  }
  if (!find(".claims")) return;
  setInterval(renew, RENEW_MILLISECONDS);
  setInterval(giveBackIdle, GIVE_BACK_MILLISECONDS / 10);
  try {
    startSupplied();
    giveBackOnLeaving();
    takeAgain();
  } catch {
    // This browser keeps nothing for the page.
  }
};
