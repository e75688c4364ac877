// The part of the script for what comes after the first page of comments. It is loaded when the comments are on the
// screen, or when more of them are wanted: see `files.js`.

import { Arrivals } from "./arrivals.js";
import { Live } from "./live.js";
import { Pages } from "./pages.js";
import STYLE from "./later.css" with { type: "css" };
import WORDS from "./words/en-later.json" with { type: "json" };

const bring = (thread) => {
  thread.words.learn(WORDS);
  thread.root.adoptedStyleSheets.push(STYLE);
  thread.pages = new Pages(thread);
  thread.arrivals = new Arrivals(thread);
  if (thread.options.isLive) thread.live = new Live(thread);
};

export const PART = { bring };
