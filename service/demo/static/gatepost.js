// The moderator's calls to Gatepost, from another origin, with a token of the blog or its session cookie.

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

// A refusal in words; whatever else went wrong is a mistake of this page and goes to the console.
export function wordsOf(error) {
  if (error instanceof Refusal) return error.words;
  throw error;
}

export class Gatepost {
  #base;
  #kind;

  // `kind` is how the one who is logged in proves who they are: "token" or "cookie".
  constructor({ address, site, kind }) {
    this.#base = `${address}/v1/sites/${encodeURIComponent(site)}`;
    this.#kind = kind;
  }

  async send(method, path, body) {
    const headers = {};
    if (this.#kind === "token") headers.Authorization = `Bearer ${await token()}`;
    if (body) headers["Content-Type"] = "application/json";
    const credentials = this.#kind === "cookie" ? "include" : "omit";
    const content = body && JSON.stringify(body);
    const response = await reach(() => fetch(this.#base + path, { method, headers, credentials, body: content, cache: "no-cache" }));
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : response.json();
  }
}

async function token() {
  const response = await reach(() => fetch("/token"));
  const { token: found } = response.ok ? await response.json() : {};
  if (!found) throw new Refusal({ title: "The blog does not know you any more", detail: "Log in again." });
  return found;
}

async function reach(ask) {
  try {
    return await ask();
  } catch {
    throw new Refusal({ title: "There is no answer", detail: "Is the demo still running?" });
  }
}

async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const retryAfter = response.headers.get("Retry-After");
  return new Refusal({ title: `The service answered ${response.status}`, ...problem, retryAfter });
}
