// The desk works without this script. With it, decisions are made where the card stands, and with keys. Pages without
// cards do not load it.

import { find } from "./page.js";
import { startClaims } from "./claims.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startPlace } from "./place.js";
import { startSending } from "./sending.js";

find("#tools").hidden = false;
startPlace();
startSending();
startKeys();
startClaims();
startLive();
