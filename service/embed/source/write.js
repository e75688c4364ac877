// The part of the script for people who may write. It is loaded when there may be one: see `files.js`.

import { Writing } from "./writing.js";

const bring = (thread) => (thread.writing = new Writing(thread));

export const PART = { bring };
