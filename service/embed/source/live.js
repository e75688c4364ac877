// The stream of what happens on the post: open while the comments are on the screen and the tab is in front.

const LATER = 30000;
const NEWS = ["comment.published", "comment.changed", "comment.removed", "post.changed"];

export class Live {
  constructor(thread) {
    this.thread = thread;
    this.eye = new IntersectionObserver((entries) => {
      this.isInView = entries.at(-1).isIntersecting;
      this.look();
    });
    this.eye.observe(thread.host);
    document.addEventListener("visibilitychange", () => this.look(), { signal: thread.ending.signal });
  }

  look() {
    const isWanted = this.isInView && document.visibilityState === "visible" && !this.thread.isOver;
    if (isWanted && !this.source) this.open();
    if (!isWanted && this.source) this.close();
  }

  open() {
    const { thread } = this;
    const since = this.last ? `?last_event_id=${encodeURIComponent(this.last)}` : "";
    const source = new EventSource(`${thread.base}${thread.path}/events${since}`);
    this.source = source;
    thread.note("live", "connecting");
    // What was missed comes by itself where the stream is told from where; else it is in the list.
    source.addEventListener("open", () => {
      thread.note("live", "on");
      if (!this.last) thread.pages.refresh();
    });
    source.addEventListener("reset", () => {
      thread.arrivals.forgetHeard();
      thread.pages.refresh();
    });
    for (const name of NEWS) {
      source.addEventListener(name, (event) => {
        this.last = event.lastEventId || this.last;
        thread.arrivals.hear(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      thread.note("live", "connecting");
      if (source.readyState !== EventSource.CLOSED) return;
      this.close();
      setTimeout(() => this.look(), LATER);
    });
  }

  close() {
    this.source?.close();
    this.source = null;
    this.thread.note("live", "off");
  }

  end() {
    this.eye.disconnect();
    this.close();
  }
}
