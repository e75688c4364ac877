// What the half for writing uses of this one. `joining` hands it over by these names.

import { Refusal } from "./api.js";
import { show } from "./html.js";
import { button, make } from "./make.js";

export const SHARED = { Refusal, button, make, show };
