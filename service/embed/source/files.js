// The other files of the embed, which lie beside this script: words of languages, and parts of it that are loaded later.

import { HERE, SERVED } from "./place.js";
import { make } from "./make.js";
import { SHARED } from "./shared.js";
import HASHES from "./hashes.json" with { type: "json" };

// Whether the page asked for these very bytes: then the words must be those of this version, too.
const PINNED = !/\/embed(\/v1\/(embed|count))?\.js/.test(HERE) || !SERVED;

// The short address has no files beside it.
const fileAt = (name, service) => new URL(HERE.startsWith(`${service}embed.js`) ? `embed/v1/${name}` : name, HERE).href;

const asked = new Map();

// Asked for once on a page, and anew if it failed.
const once = (name, ask) => {
  if (!asked.has(name)) asked.set(name, ask().catch((why) => asked.delete(name) && Promise.reject(why)));
  return asked.get(name);
};

// The words of one language; null if there are none. Never fails: without them it is English.
export const wordsOf = (language, service) => {
  const integrity = HASHES[language];
  if (!integrity) return null;
  const options = { integrity: PINNED ? integrity : "", credentials: "omit" };
  const ask = async () => (await fetch(fileAt(`${language}.json`, service), options)).json();
  return once(language, ask).catch(() => ({}));
};

// A part must fit this script to the byte, whatever a cache still has. What a module imports is not under its
// integrity: so a link with one fetches the file, and `import` takes what the link got. What failed once stays failed
// under its address, so every try has another.
let tries = 0;
const fetchPart = (name, service) =>
  new Promise((done, fail) => {
    const href = fileAt(`${name}.js`, service) + (tries ? `?${tries}` : "");
    const onerror = (why) => fail(why, (tries += 1));
    const traits = { rel: "modulepreload", href, integrity: HASHES[name], crossorigin: "", onerror };
    const link = make("link", { ...traits, onload: () => done(import(href)) });
    if (link.relList.supports("modulepreload")) document.head.append(link);
    else onerror();
  });

// What a part of the script has. Raises whatever kept it away.
export const partOf = (name, service) => once(name, async () => (await fetchPart(name, service)).start(SHARED));

// A part that is not to be had may be one of a newer service: so the page is loaded again, with the newest script.
export const loadAgain = () => fetch(HERE, { cache: "reload" }).then(() => location.reload(), () => {});
