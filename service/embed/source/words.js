// What the embed says, in the page's language: own words of the page, then the language's file, then English.

import { HERE, SERVED, languageOf } from "./place.js";
import { plural } from "./plural.js";
import ENGLISH from "./words/en.json" with { type: "json" };
import LANGUAGES from "./languages.json" with { type: "json" };

// The files beside the script; the short address has none beside it.
const fileAt = (name, service) =>
  new URL(HERE.startsWith(`${service}embed.js`) ? `embed/v1/${name}` : name, HERE).href;

// Whether the page asked for these very bytes: then the words must fit them, too.
const PINNED = !/\/embed(\/v1\/(embed|count))?\.js/.test(HERE) || !SERVED;

const files = new Map();

// The words of one language, asked for once on a page. Never fails: without them it is English.
const fileOf = (name, service) => {
  const address = fileAt(`${name}.json`, service);
  if (!files.has(address)) {
    const integrity = PINNED ? LANGUAGES[name] : "";
    const asked = fetch(address, { integrity, credentials: "omit" });
    files.set(address, asked.then((reply) => (reply.ok ? reply.json() : {})).catch(() => ({})));
  }
  return files.get(address);
};

export class Words {
  constructor(host, service) {
    this.host = host;
    this.language = languageOf(host);
    this.table = {};
    const name = [this.language, this.language.split("-")[0]].find((tag) => LANGUAGES[tag]);
    this.ready = name ? fileOf(name, service).then((table) => (this.table = table)) : Promise.resolve();
  }

  find(key) {
    return this.host.strings?.[key] ?? this.host.getAttribute(`text-${key}`) ?? this.table[key] ?? ENGLISH[key];
  }

  say(key, values = {}) {
    return this.find(key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  // A sentence with elements in it.
  fill(key, elements) {
    return (this.find(key) ?? key).split(/\{(\w+)\}/).map((part, at) => (at % 2 ? elements[part] : part));
  }

  count(key, n) {
    return plural(this.language, n, (rule) => this.find(`${key}.${rule}`));
  }

  number(n) {
    return new Intl.NumberFormat(this.language).format(n);
  }

  moment(when, form = { dateStyle: "long", timeStyle: "short" }) {
    return new Intl.DateTimeFormat(this.language, form).format(new Date(when));
  }

  // "3 days ago", or the date.
  ago(when) {
    const seconds = (new Date(when) - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    return new Intl.RelativeTimeFormat(this.language, { numeric: "auto" }).format(Math.round(seconds / size), unit);
  }

  get direction() {
    return /^(ar|fa|he|ur)\b/.test(this.language) ? "rtl" : "ltr";
  }
}

const UNITS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];
