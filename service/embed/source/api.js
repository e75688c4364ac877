// Calls of the service. What fails is a Refusal: with the service's problem, or with status 0 where no reply came.

const PATIENCE = 20000;

export class Refusal extends Error {
  constructor(status, problem, reply) {
    super(problem.code ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
    this.code = problem.code ?? "";
    this.requestId = reply?.headers.get("X-Request-ID") ?? null;
    this.retryAfter = Number(reply?.headers.get("Retry-After")) || null;
  }

  // Nobody knows what became of the call: the same may be sent again.
  get isOutage() {
    return this.status === 0 || this.status >= 500;
  }
}

const ask = async (address, options) => {
  let reply, content;
  try {
    reply = await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    content = await reply.text();
  } catch {
    throw new Refusal(0, {});
  }
  let parsed = {};
  try {
    parsed = content ? JSON.parse(content) : {};
  } catch {
    if (reply.ok) throw new Refusal(0, {});
  }
  if (!reply.ok) throw new Refusal(reply.status, parsed, reply);
  return parsed;
};

export class Api {
  constructor(service, site, login, cookies) {
    this.root = `${service}v1/sites/${encodeURIComponent(site)}`;
    this.login = login;
    this.cookies = cookies;
  }

  // What everybody may read. Its `Access-Control-Allow-Origin: *` forbids `include`.
  read(path) {
    return ask(this.root + path, { credentials: this.cookies ? "same-origin" : "omit" });
  }

  // What a reader does, with a fresh token where the service does not take the one that was held.
  async call(method, path, body, key) {
    const token = await this.login.token();
    try {
      return await this.send(method, path, body, key, token);
    } catch (refusal) {
      const fresh = refusal.status === 401 && token && (await this.login.token(token));
      if (!fresh) throw refusal;
      return this.send(method, path, body, key, fresh);
    }
  }

  send(method, path, body, key, token) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const credentials = this.cookies ? "include" : "omit";
    return ask(this.root + path, { method, headers, credentials, cache: "no-store", body: body && JSON.stringify(body) });
  }
}
