// The other files of the embed, which lie beside this script: the words of a language, the half for those who write.

import { HERE, SERVED } from "./place.js";
import { make } from "./make.js";
import { SHARED } from "./shared.js";
import HASHES from "./hashes.json" with { type: "json" };

// Whether the page asked for these very bytes: then what is loaded later must fit them, too.
const PINNED = !/\/embed(\/v1\/(embed|count))?\.js/.test(HERE) || !SERVED;

// The short address has no files beside it.
const fileAt = (name, service) => new URL(HERE.startsWith(`${service}embed.js`) ? `embed/v1/${name}` : name, HERE).href;

const tables = new Map();

// The words of one language, asked for once on a page; null if there are none. Never fails: without them it is English.
export const wordsOf = (language, service) => {
  if (!HASHES[language]) return null;
  const address = fileAt(`${language}.json`, service);
  if (!tables.has(address)) {
    const asked = fetch(address, { integrity: PINNED ? HASHES[language] : "", credentials: "omit" });
    tables.set(address, asked.then((reply) => (reply.ok ? reply.json() : {})).catch(() => ({})));
  }
  return tables.get(address);
};

let half;

// The other half must fit this one to the byte, whatever a cache still has. What a module imports is not under its
// integrity: so a link with one fetches the file, and `import` takes what the link got.
const fetchHalf = (service) =>
  new Promise((onload, onerror) => {
    const href = fileAt("write.js", service);
    const traits = { rel: "modulepreload", href, integrity: HASHES.write, crossorigin: "", onerror };
    const link = make("link", { ...traits, onload: () => onload(import(href)) });
    if (link.relList.supports("modulepreload")) document.head.append(link);
    else onerror();
  });

// What people need who may write. It is asked for once on a page. Raises whatever kept it away.
export const halfForWriting = (service) => {
  half ??= fetchHalf(service).then(
    (module) => module.start(SHARED),
    (why) => {
      half = null;
      throw why;
    },
  );
  return half;
};

// If the half is not to be had, this script may be older than the service: the page is loaded again with the newest.
export const loadAgain = () => fetch(HERE, { cache: "reload" }).then(() => location.reload(), () => {});
