// Small makers of page elements, and the one way a time is written. Used by every script of the page.

// An element with attributes and children. Text is always text: no markup is ever read from it.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(label, press, attributes = {}) {
  const made = element("button", { type: "button", class: "quiet", ...attributes }, label);
  made.addEventListener("click", press);
  return made;
}

// A comment's text. `html` comes from Gatepost, which has sanitised it: the only markup this page takes from anybody.
export function commentText(html) {
  const made = element("div", { class: "text" });
  made.innerHTML = html;
  return made;
}

// "at 9:35am on Tuesday, 19th July 2005", in the reader's own time zone.
export function stamp(when, words = "") {
  return element("time", { datetime: when }, `${words}${spoken(new Date(when))}`);
}

function spoken(time) {
  const hours = time.getHours();
  const minutes = String(time.getMinutes()).padStart(2, "0");
  const clock = `${hours % 12 || 12}:${minutes}${hours < 12 ? "am" : "pm"}`;
  const weekday = time.toLocaleDateString("en-GB", { weekday: "long" });
  const month = time.toLocaleDateString("en-GB", { month: "long" });
  return `at ${clock} on ${weekday}, ${ordinal(time.getDate())} ${month} ${time.getFullYear()}`;
}

function ordinal(day) {
  const teens = day > 10 && day < 14;
  return `${day}${(!teens && { 1: "st", 2: "nd", 3: "rd" }[day % 10]) || "th"}`;
}

// Say something at a place that screen readers watch (role="status").
export function say(place, text, { problem = false } = {}) {
  place.classList.toggle("problem", problem);
  place.replaceChildren(...(text ? [text] : []));
}
