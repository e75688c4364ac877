// Texts that were not sent yet, in this browser. With each goes the Idempotency-Key under which it was or will be sent.

const WEEK = 7 * 86400000;
const PREFIX = "gatepost:";

// Where the browser keeps nothing (private window, refused cookies), it works without.
const storage = (work) => {
  try {
    return work(localStorage);
  } catch {
    return null;
  }
};

export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Draft {
  constructor(name, isKept) {
    this.name = `${PREFIX}draft:${name}`;
    this.isKept = isKept;
    const found = isKept && storage((kept) => JSON.parse(kept.getItem(this.name)));
    const { body = "", key = newKey() } = found && Date.now() - found.at < WEEK ? found : {};
    this.body = body;
    // Under which it is sent, and under which it is kept.
    this.key = this.saved = key;
  }

  // Another text is another comment, so it gets another key.
  change(body) {
    if (body === this.body) return;
    this.body = body;
    this.renewKey();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), 300);
  }

  renewKey() {
    this.key = newKey();
    this.isChanged = true;
  }

  // Only what was changed here: another tab may keep its text at the same place.
  save() {
    clearTimeout(this.timer);
    if (!this.isKept || !this.isChanged) return;
    this.isChanged = false;
    if (!this.body.trim()) return this.remove();
    this.saved = this.key;
    const content = JSON.stringify({ body: this.body, key: this.key, at: Date.now() });
    storage((kept) => kept.setItem(this.name, content));
  }

  drop() {
    clearTimeout(this.timer);
    this.remove();
    this.body = "";
    this.renewKey();
    this.isChanged = false;
  }

  // What is kept goes, unless another tab has put its own there.
  remove() {
    storage((kept) => JSON.parse(kept.getItem(this.name)).key === this.saved && kept.removeItem(this.name));
  }
}

export const forgetOldDrafts = () =>
  storage((kept) => {
    for (const name of Object.keys(kept).filter((name) => name.startsWith(`${PREFIX}draft:`))) {
      if (!(Date.now() - JSON.parse(kept.getItem(name)).at < WEEK)) kept.removeItem(name);
    }
  });

// Own refused comments that their author does not want to see any more.
const HIDDEN = `${PREFIX}hidden`;
const hidden = () => storage((kept) => JSON.parse(kept.getItem(HIDDEN))) ?? [];
export const isHidden = (id) => hidden().includes(id);
export const hide = (id) => storage((kept) => kept.setItem(HIDDEN, JSON.stringify([...hidden().slice(-99), id])));
