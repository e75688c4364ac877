// What the parts that are loaded later use of this script. `joining` hands it over by these names.

import { Refusal, ask } from "./api.js";
import { show } from "./html.js";
import { button, make } from "./make.js";

export const SHARED = { Refusal, ask, button, make, show };
