// Calls to Gatepost, from another origin, with the reader's token or session cookie. Every call shows up in the panel.

import { record } from "./calls.js";

const RENEW_BEFORE_SECONDS = 30;
export const COOKIE_JAR = "blog.cookies";

// An answer that is not a success, in the words of the service (RFC 9457), or no answer at all.
export class Refusal extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }

  get words() {
    const { title, detail, retryAfter } = this.problem;
    const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
    const said = detail && detail !== title ? `${sentence(title)} ${sentence(detail)}` : sentence(title);
    return retryAfter ? `${said} Try again in ${retryAfter} seconds.` : said;
  }
}

// How this reader proves to Gatepost who they are: a token that the blog hands out, or the blog's own session cookie.
export function credentialOf(kind) {
  return kind === "cookie" ? new SessionCookie() : new Token();
}

class Token {
  #token = null;
  #goodUntil = 0;

  async prove() {
    if (Date.now() > this.#goodUntil) this.#renew();
    const { token } = await this.#token;
    return { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", options: [] };
  }

  // Calls that start together wait for one token.
  #renew() {
    this.#goodUntil = Infinity;
    this.#token = fetchToken();
    this.#token.then(
      ({ seconds }) => (this.#goodUntil = Date.now() + (seconds - RENEW_BEFORE_SECONDS) * 1000),
      () => (this.#goodUntil = 0),
    );
  }
}

async function fetchToken() {
  const url = new URL("/token", location.href).href;
  const answered = record({ method: "GET", url, options: ["-b", COOKIE_JAR] });
  const response = await reach(() => fetch(url), answered);
  if (!response.ok) throw new Refusal({ title: "The blog does not know you any more", detail: "Log in again." });
  const { token, expires_in: seconds } = await response.json();
  return { token, seconds };
}

class SessionCookie {
  // The browser sends the cookie itself, and says from which page; curl has to be told both.
  async prove() {
    return { headers: {}, credentials: "include", options: ["-b", COOKIE_JAR, "-H", `'Origin: ${location.origin}'`] };
  }
}

const NOBODY = { headers: {}, credentials: "omit", options: [] };

export class Gatepost {
  #base;
  #credential;

  // `credential` is null for a visitor.
  constructor({ address, site, credential }) {
    this.#base = `${address}/v1/sites/${encodeURIComponent(site)}`;
    this.#credential = credential;
  }

  // What everybody sees: no credential goes with it, so a shared cache could answer.
  read(path) {
    return this.#call("GET", path, {}, NOBODY);
  }

  // What only this reader, or a moderator, may ask or do.
  async send(method, path, { body, headers } = {}) {
    return this.#call(method, path, { body, headers }, this.#credential ? await this.#credential.prove() : NOBODY);
  }

  async #call(method, path, { body, headers = {} }, proof) {
    const url = this.#base + path;
    const content = body === undefined ? undefined : JSON.stringify(body);
    const type = content === undefined ? {} : { "Content-Type": "application/json" };
    const sent = { ...proof.headers, ...type, ...headers };
    const answered = record({ method, url, headers: sent, body: content, options: proof.options });
    const request = { method, headers: sent, body: content, credentials: proof.credentials, cache: "no-cache" };
    const response = await reach(() => fetch(url, request), answered);
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : response.json();
  }
}

async function reach(ask, answered) {
  try {
    const response = await ask();
    answered(`${response.status} ${response.statusText}`.trim());
    return response;
  } catch {
    answered("no answer");
    throw new Refusal({ title: "There is no answer", detail: "Is the demo still running?" });
  }
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const retryAfter = response.headers.get("Retry-After");
  return new Refusal({ title: `The service answered ${response.status}`, ...problem, retryAfter });
}
