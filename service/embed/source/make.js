// One element with its attributes, its listeners (`onclick`) and what is inside.

export const make = (tag, traits, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(traits ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...inside.filter((part) => part != null && part !== false));
  return made;
};

export const button = (part, text, onclick, more) =>
  make("button", { type: "button", part, name: part.split(" ")[0], onclick, ...more }, text);
