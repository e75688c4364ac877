// What all modules need: elements, words, and parts of pages from the service. No HTML is built here: words come from
// the page's <template id="words">, cards from the service as documents whose scripts never ran.

export const find = (css, within = document) => within.querySelector(css);
export const all = (css, within = document) => [...within.querySelectorAll(css)];
export const cards = () => all("[data-card]");
export const cardOf = (id) => find(`[data-card][data-comment-id="${id}"]`);
export const isOpen = (card) => card?.dataset.state === "waiting" || card?.dataset.state === "conflict";
export const main = find("main");

const plural = new Intl.PluralRules(document.documentElement.lang);

export const word = (name) => find(`[data-word="${name}"]`, find("#words").content).textContent;
export const many = (name, number) => word(`${name}.${plural.select(number)}`).replace("{number}", number);

// A number above the cards; none is not shown.
export const showNumber = (name, number) => {
  const place = find(`#tools [data-number=${name}]`);
  place.hidden = !number;
  place.textContent = number ? many(name, number) : "";
};

// Says something to everybody: on the screen, and to who listens to it.
export const aloud = (text) => {
  find("#aloud").textContent = text;
};

// Asks the service. Resolves always: the status is 0 where no reply came.
export const ask = (method, address, body) => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  request.open(method, address);
  request.responseType = "document";
  request.timeout = 30000;
  request.setRequestHeader("X-Gatepost-Part", "1");
  request.onloadend = () => {
    const pause = Number(request.getResponseHeader("Retry-After"));
    resolve({ status: request.status, page: request.response, pause });
  };
  request.send(body);
});

// Sends a form. Who has signed in again meanwhile, or works past midnight, has an old token in it: the same moderator
// gets a new one, and it is sent again with that.
export const send = async (address, body) => {
  const reply = await ask("POST", address, body);
  if (reply.status !== 403) return reply;
  const { page } = await ask("GET", find(".top [href$=settings]").href);
  const [me, who] = [document, page].map((one) => one && find("[data-moderator]", one)?.dataset.moderator);
  if (me !== who) return reply;
  const { value } = find("[name=csrf]", page);
  if (value === body.get("csrf")) return reply;
  for (const field of all("[name=csrf]")) field.value = value;
  body.set("csrf", value);
  return ask("POST", address, body);
};

// What a reply says that is no good one.
export const saidIn = ({ page }) => page && find("[data-problem]", page)?.textContent;

// The elements of a reply, for this page: their addresses were meant from another one.
export const adopt = (reply, css) => all(css, reply.page).map((found) => {
  for (const link of all("[href]", found)) link.setAttribute("href", link.href);
  for (const form of all("form", found)) {
    form.setAttribute("action", new URL(form.getAttribute("action"), reply.page.URL).href);
  }
  const back = find("main [name=back]");
  for (const field of all("[name=back]", found)) field.value = back ? back.value : field.value;
  if (!find("#bulk")) find(".mark", found)?.remove();
  return document.adoptNode(found);
});

// What a card says of itself beside what the service wrote; nothing: no more.
export const tell = (card, text) => {
  find(".told", card)?.remove();
  if (!text) return;
  const line = document.createElement("p");
  line.className = "told";
  line.textContent = text;
  card.prepend(line);
};
