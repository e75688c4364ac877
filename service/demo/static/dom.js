// Small makers of page elements. Used by the panel of calls.

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

// Say something at a place that screen readers watch (role="status").
export function say(place, text, { problem = false } = {}) {
  place.classList.toggle("problem", problem);
  place.replaceChildren(...(text ? [text] : []));
}
