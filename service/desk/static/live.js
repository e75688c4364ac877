// What others do meanwhile. Nothing comes into the list by itself, and nothing leaves it: cards say what has become of
// them, and a number says how many are new.

import { adopt, all, aloud, ask, cardOf, cards, find, isOpen, main, saidIn, showNumber, tell, word } from "./page.js";
import { keepPlace, swap } from "./place.js";
import { append, isUnsent, showNumbers } from "./sending.js";

const AT_ONCE = 20;
const SOON_MILLISECONDS = 2000;
const title = document.title;
const arrived = new Set();
const claimed = new Set();
let isLooking = false;
let isDirty = false;
let soon = 0;

const root = () => find("#tools").dataset.root;
const newOnes = () => [...arrived].filter((id) => !isOpen(cardOf(id)));

const showArrived = () => {
  const number = newOnes().length;
  showNumber("new", number);
  document.title = number ? `(${number}) ${title}` : title;
};

const askFor = (id) => ask("GET", `${root()}c/${id}`);
const cardIn = (reply) => (reply.status === 200 && adopt(reply, "[data-card]")[0]);
const isLost = (old, card) => old.dataset.claim === "mine" && card.dataset.claim !== "mine";

const replace = (old, card, text) => {
  const isWritten = all("textarea", old).some((field) => field.value);
  if (card.dataset.state === "gone" && isWritten) {
    // What somebody is writing stays on the screen.
    keepPlace(() => {
      old.dataset.state = "gone";
      tell(old, word("gone"));
    }, old);
    return;
  }
  tell(card, text ?? (isLost(old, card) ? word("lost") : null));
  swap(old, card);
};

// The card of a comment about which something has happened, as it stands now.
const look = async (id) => {
  if (isUnsent(id) || !isOpen(cardOf(id))) return;
  const card = cardIn(await askFor(id));
  const old = cardOf(id);
  if (!card || isUnsent(id) || !isOpen(old)) return;
  const isChanged = card.dataset.version !== old.dataset.version;
  const isWaiting = card.dataset.state === "waiting";
  if (isWaiting && !isChanged && card.dataset.claim === old.dataset.claim) return;
  replace(old, card, isWaiting && isChanged ? word("changed") : null);
  showNumbers();
};

// Whether nothing on this page is left to be decided, confirmed or asked for.
const isCleared = () => main.dataset.page === "queue" && !find("main > .older [rel=next]")
  && cards().every((card) => ["decided", "gone"].includes(card.dataset.state));

// What the service says where nothing waits any more.
const showEnd = (page) => {
  const old = find("main > .empty");
  const end = find("main > .empty", page);
  if (!end) return old?.remove();
  document.adoptNode(end);
  if (old) return old.replaceWith(end);
  aloud(find("p", end).textContent);
  (cards().at(-1) ?? find(".fold")).after(end);
};

// How many wait, and who holds what: the page once more, of which only cards are taken that have changed.
const lookAtPage = async () => {
  isDirty = true;
  if (isLooking) return;
  isLooking = true;
  while (isDirty) {
    isDirty = false;
    const address = new URL(location.href);
    const isEnd = isCleared();
    if (isEnd) address.searchParams.delete("cursor");
    const reply = await ask("GET", address.href);
    if (reply.status !== 200 || !reply.page) continue;
    for (const card of adopt(reply, "main > [data-card]")) {
      const old = cardOf(card.dataset.commentId);
      claimed.delete(card.dataset.commentId);
      const isNew = old?.dataset.claim !== card.dataset.claim && old?.dataset.version === card.dataset.version;
      if (isOpen(old) && isNew && !isUnsent(card.dataset.commentId)) replace(old, card, null);
      if (isEnd && !old) arrived.add(card.dataset.commentId);
    }
    // What a filter does not find any more, and what stands behind the first page.
    claimed.forEach(look);
    claimed.clear();
    if (isEnd && isCleared()) showEnd(reply.page);
    showArrived();
    for (const css of ["h1", ".head > .quiet"]) {
      const fresh = find(css, reply.page);
      if (fresh) keepPlace(() => find(css).replaceChildren(...document.adoptNode(fresh).childNodes));
    }
  }
  isLooking = false;
};

// Where many decide, much happens at once.
const lookSoon = () => {
  if (!soon) {
    soon = setTimeout(() => {
      soon = 0;
      lookAtPage();
    }, SOON_MILLISECONDS);
  }
};

const HEARD = {
  "queue.entered": ({ comment_id: id }) => {
    lookSoon();
    if (isOpen(cardOf(id))) return look(id);
    if (!isUnsent(id) && main.dataset.filtered === undefined) arrived.add(id);
    showArrived();
  },
  "queue.left": ({ comment_id: id }) => {
    arrived.delete(id);
    showArrived();
    lookSoon();
    look(id);
  },
  "queue.claimed": ({ comment_ids: ids }) => {
    const open = ids.filter((id) => isOpen(cardOf(id)));
    for (const id of open) claimed.add(id);
    if (open.length) lookAtPage();
  },
  reset: () => {
    find("#stale").hidden = false;
  },
};

export const showArrivals = async () => {
  const ids = newOnes().slice(0, AT_ONCE);
  if (ids.length && !cards().length) return location.reload();
  for (const id of ids) {
    const reply = await askFor(id);
    if (![200, 404].includes(reply.status)) {
      aloud(saidIn(reply) ?? word("no-reply"));
      break;
    }
    arrived.delete(id);
    const card = cardIn(reply);
    const old = cardOf(id);
    if (!card || card.dataset.state !== "waiting" || isUnsent(id)) continue;
    if (old) swap(old, card);
    else append([card]);
  }
  showArrived();
  showNumbers();
};

const listen = (tellOthers) => {
  const stream = new EventSource(`${root()}events`);
  // A browser does not come back to a stream that was answered with a failure.
  stream.onerror = () => {
    if (stream.readyState === 2) HEARD.reset();
  };
  for (const name of Object.keys(HEARD)) {
    stream.addEventListener(name, (event) => {
      const about = JSON.parse(event.data || "{}");
      HEARD[name](about);
      tellOthers({ name, about });
    });
  }
};

// One stream for all pages of this browser: it opens only so many connections at once.
export const startLive = () => {
  find("#tools [data-number=new]").addEventListener("click", showArrivals);
  if (main.dataset.page !== "queue") return;
  main.addEventListener("settled", () => {
    find("main > .empty")?.remove();
    if (isCleared()) lookAtPage();
  });
  const name = `gatepost desk ${new URL(root(), location.href).pathname}`;
  if (!navigator.locks || !window.BroadcastChannel) return listen(() => null);
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => HEARD[data.name](data.about);
  navigator.locks.request(name, () => new Promise(() => listen((news) => channel.postMessage(news))));
};
