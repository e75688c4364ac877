// The script that a blog's page loads.

import { GatepostCount } from "./counts.js";
import { GatepostComments } from "./element.js";

customElements.get("gatepost-count") ?? customElements.define("gatepost-count", GatepostCount);
customElements.get("gatepost-comments") ?? customElements.define("gatepost-comments", GatepostComments);
