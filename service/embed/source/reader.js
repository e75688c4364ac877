// Who reads: a visitor, somebody who may write, somebody who may not; and what they wrote here.

import { Refusal } from "./api.js";

export class Reader {
  constructor(thread) {
    this.thread = thread;
    this.own = [];
    this.key = this.name = null;
  }

  // What was found stays in `found` until the thread has met them.
  async learn() {
    const { api, host, options } = this.thread;
    let state = "visitor";
    let me = null;
    this.own = [];
    try {
      if (options.cookies || (await api.login.token())) me = await this.ask();
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.isOutage) state = refusal.isForeign ? "foreign" : "unavailable";
    }
    const { key = null, name = null } = me?.user ?? {};
    Object.assign(this, { key, name, bannedUntil: me?.banned_until });
    host.reader = key && { key, name };
    if (key) {
      state = me.may.includes("submit") ? "reader" : this.bannedUntil ? "banned" : "barred";
      await this.learnOwn();
    }
    this.found = state;
  }

  // A page of another origin gets no reply to a reader's call, and one to a public call right after it.
  async ask() {
    const { api, options } = this.thread;
    const once = () => api.call("GET", options.cookies ? "/me?visitor=1" : "/me");
    const again = (refusal) => {
      if (refusal.status) throw refusal;
      return once();
    };
    try {
      return await once().catch(again);
    } catch (refusal) {
      if (refusal.status) throw refusal;
      await api.read("");
      const site = `the setting \`origins\` of the site "${options.site}"`;
      console.error(`Gatepost: ${location.origin} may not send comments: add it to ${site}.`);
      refusal.isForeign = true;
      throw refusal;
    }
  }

  async learnOwn() {
    const { api, options } = this.thread;
    const query = new URLSearchParams({ post: options.post, limit: 200 });
    const found = await api.call("GET", `/me/comments?${query}`).catch(() => ({ comments: [] }));
    this.own = found.comments;
  }
}
