// The half of the script for people who may write. It is loaded when there may be one: see `files.js`.

import { Writing } from "./writing.js";

export const HALF = { Writing };
