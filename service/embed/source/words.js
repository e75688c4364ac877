// What the embed says, in the page's language: own words of the page, then the language's file, then English.

import { wordsOf } from "./files.js";
import { languageOf } from "./place.js";
import { plural } from "./plural.js";
import ENGLISH from "./words/en.json" with { type: "json" };

export class Words {
  constructor(host, service) {
    this.host = host;
    this.language = languageOf(host);
    this.table = {};
    const asked = wordsOf(this.language, service) ?? wordsOf(this.language.split("-")[0], service);
    this.ready = asked?.then((table) => (this.table = table));
  }

  // More of them, in English: those of another part of the script.
  learn(more) {
    Object.assign(ENGLISH, more);
  }

  find(key) {
    return this.own(key) ?? ENGLISH[key];
  }

  own(key) {
    return this.host.strings?.[key] ?? this.host.getAttribute(`text-${key}`) ?? this.table[key];
  }

  say(key, values = {}) {
    return this.find(key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  // A sentence with elements in it.
  fill(key, elements) {
    return (this.find(key) ?? key).split(/\{(\w+)\}/).map((part, at) => (at % 2 ? elements[part] : part));
  }

  count(key, n) {
    return plural(this.language, n, (rule) => this.own(`${key}.${rule}`), (rule) => ENGLISH[`${key}.${rule}`]);
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
