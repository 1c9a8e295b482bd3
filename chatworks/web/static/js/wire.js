// The chat's line to the server: who we are, what is not sent yet, and what was said. It keeps the
// token and the queue in the browser, sends in order and again until the server took it (the page
// makes each event's id, so a repeat is the same event), and follows by server-sent events that
// resume after the last message seen. A token that the server does not know any more begins anew.

const NAP_MS_MIN = 500;
const NAP_MS_MAX = 20000;
const SILENCE_MS_MAX = 40000; // the server sends a heartbeat every 15 seconds

// A browser may refuse storage to a framed page: then the conversation lasts as long as the page.
function storage(kind) {
  try {
    const real = window[kind];
    real.getItem("chatworks");
    return real;
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    };
  }
}

// `told` is who hears of it: messages(list, language), pending(event), sent(event),
// failed(event), state("" | "offline" | "wait"), reset(), ready(isNew).
export class Wire {
  constructor(slug, language, told) {
    this.base = `/chat/${slug}`;
    this.language = language;
    this.told = told;
    this.store = storage("localStorage");
    this.drafts = storage("sessionStorage");
    this.keys = { token: `chatworks:${slug}:token`, queue: `chatworks:${slug}:queue`, draft: `chatworks:${slug}:draft` };
    this.queue = [];
    this.seen = 0;
    this.life = 0;
    this.naps = new Set();
    window.addEventListener("online", () => this.wake());
    window.addEventListener("offline", () => told.state("offline"));
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
    window.addEventListener("storage", (event) => {
      if (event.key === this.keys.token && event.newValue && event.newValue !== this.token) this.open();
    });
  }

  get draft() {
    return this.drafts.getItem(this.keys.draft) || "";
  }

  set draft(text) {
    this.drafts.setItem(this.keys.draft, text);
  }

  // Begin, or begin again as whoever the browser is known as now.
  async open() {
    this.clear();
    this.token = this.store.getItem(this.keys.token) || "";
    this.queue = this.kept();
    const life = this.life;
    if (this.token) await this.load();
    if (life !== this.life) return; // the token was not known: it has begun anew meanwhile
    this.greet();
    this.flush();
    if (this.token) this.follow();
  }

  clear() {
    this.life += 1;
    this.seen = 0;
    this.abort?.abort();
    this.told.reset();
  }

  greet() {
    this.queue.forEach((event) => this.told.pending(event));
    this.told.ready(!this.token && !this.queue.length);
  }

  forget() {
    this.store.removeItem(this.keys.token);
    this.token = "";
    this.clear();
    this.greet();
    this.flush();
  }

  kept() {
    try {
      return JSON.parse(this.store.getItem(this.keys.queue)) || [];
    } catch {
      return [];
    }
  }

  keep() {
    this.store.setItem(this.keys.queue, JSON.stringify(this.queue));
  }

  headers() {
    return { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
  }

  async load() {
    const answer = await fetch(`${this.base}/messages`, { headers: this.headers() }).catch(() => null);
    if (answer?.status === 401) this.forget();
    else if (answer?.ok) {
      const { language, messages } = await answer.json();
      this.take(messages, language);
    }
  }

  take(messages, language) {
    const fresh = messages.filter((message) => message.seq > this.seen);
    if (fresh.length) this.seen = fresh.at(-1).seq;
    this.told.messages(fresh, language);
  }

  send(event) {
    const whole = { id: newId(), ...event };
    this.queue.push(whole);
    this.keep();
    this.told.pending(whole);
    this.flush();
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    let pause = NAP_MS_MIN;
    while (this.queue.length) {
      const answer = await this.post(this.queue[0]).catch(() => null);
      if (answer?.status === 401) this.forget();
      else if (!answer || answer.status === 429 || answer.status >= 500) {
        this.told.state(answer?.status === 429 ? "wait" : navigator.onLine ? "" : "offline");
        await this.nap(pause);
        pause = Math.min(pause * 2, NAP_MS_MAX);
      } else {
        const event = this.queue.shift();
        this.keep();
        this.told.state("");
        pause = NAP_MS_MIN;
        if (answer.ok) this.told.sent(event);
        else this.told.failed(event);
      }
    }
    this.flushing = false;
  }

  async post(event) {
    if (!this.token) await this.register();
    return fetch(`${this.base}/messages`, { method: "POST", headers: this.headers(), body: JSON.stringify(event) });
  }

  // Two tabs that begin at once become one visitor: the second finds the first one's token.
  async register() {
    const become = async () => {
      this.token = this.store.getItem(this.keys.token) || "";
      if (this.token) return;
      const answer = await fetch(`${this.base}/start`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ language: this.language }),
      });
      if (!answer.ok) throw new Error(`start ${answer.status}`);
      this.token = (await answer.json()).token;
      this.store.setItem(this.keys.token, this.token);
    };
    await (navigator.locks ? navigator.locks.request(this.keys.token, become) : become());
    this.follow();
  }

  async follow() {
    const life = this.life;
    if (this.following === life) return;
    this.following = life;
    let pause = NAP_MS_MIN;
    while (life === this.life) {
      const abort = new AbortController();
      this.abort = abort;
      let silence = 0;
      const hear = () => {
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), SILENCE_MS_MAX);
      };
      try {
        hear();
        const answer = await fetch(`${this.base}/events?after=${this.seen}`, { headers: this.headers(), signal: abort.signal });
        if (answer.status === 401) return this.forget();
        if (!answer.ok) throw new Error(`events ${answer.status}`);
        pause = NAP_MS_MIN;
        this.told.state("");
        for await (const message of events(answer.body, hear)) if (life === this.life) this.take([message]);
      } catch {
        // the connection ended: wait, and resume after what was seen
      } finally {
        clearTimeout(silence);
      }
      await this.nap(pause);
      pause = Math.min(pause * 2, NAP_MS_MAX);
    }
  }

  nap(ms) {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        this.naps.delete(end);
        done();
      };
      const timer = setTimeout(end, ms);
      this.naps.add(end);
    });
  }

  wake() {
    [...this.naps].forEach((end) => end());
  }
}

async function* events(body, hear) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    hear();
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

// crypto.randomUUID exists on https and localhost only.
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
