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

  // It says nothing of what was asked, or nobody knows what became of it: the same may be sent again.
  get isOutage() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const ask = async (address, options) => {
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
