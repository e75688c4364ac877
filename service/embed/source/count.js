// The script of pages that only say how many comments there are.

import { GatepostCount } from "./counts.js";

customElements.get("gatepost-count") ?? customElements.define("gatepost-count", GatepostCount);
