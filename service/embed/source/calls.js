// What a reader does is a call with their login: with a fresh token where the service does not take the one that was held.

import { ask } from "./api.js";

const send = ({ base, options }, token, method, path, body, key) => {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const credentials = options.cookies ? "include" : "omit";
  return ask(base + path, { method, headers, credentials, cache: "no-store", body: body && JSON.stringify(body) });
};

export const call = async (thread, ...what) => {
  const token = await thread.login.token();
  try {
    return await send(thread, token, ...what);
  } catch (refusal) {
    const fresh = refusal.status === 401 && (await thread.login.token(token));
    if (!fresh) throw refusal;
    return send(thread, fresh, ...what);
  }
};
