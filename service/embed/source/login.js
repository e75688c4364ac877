// Tokens of the blog's login: asked for when they are needed, once for all elements of a page that ask alike.

import { Refusal } from "./api.js";

const EARLY = 30000;
const logins = new Map();

class Login {
  constructor(ask) {
    this.ask = ask;
    this.forget();
  }

  forget() {
    this.until = 0;
  }

  // `spent`: the token (null: none) with which a call was refused, so that the one held is no good if it is the same.
  async token(spent) {
    if (Date.now() < this.until && this.held !== spent) return this.held;
    this.asking ??= this.fresh().finally(() => (this.asking = null));
    return this.asking;
  }

  async fresh() {
    const { token = null, expires_in: seconds } = (await this.ask().catch(failed)) ?? {};
    this.held = token;
    this.until = seconds ? Date.now() + seconds * 1000 - EARLY : Infinity;
    return token;
  }
}

// The page's own part failed, and not the service.
const failed = (why) => {
  console.error("Gatepost: the page's login gave no token.", why);
  throw new Refusal(503, {});
};

const fetchToken = async (address) => {
  const reply = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(20000) });
  if (reply.status >= 500) throw reply.status;
  return reply.ok ? reply.json() : {};
};

const NOBODY = new Login(async () => ({}));
NOBODY.isNobody = true;

export const loginOf = (host) => {
  const address = host.getAttribute("token-url");
  const key = host.getToken ?? (address && new URL(address, document.baseURI).href);
  if (!key) return NOBODY;
  const ask = host.getToken ? async () => ({ token: await host.getToken() }) : () => fetchToken(key);
  if (!logins.has(key)) logins.set(key, new Login(ask));
  return logins.get(key);
};
