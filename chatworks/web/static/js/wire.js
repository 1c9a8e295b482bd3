// The chat's line to the server: who we are, what is not sent yet, and what was said. It keeps the
// token and the queue in the browser, sends in order and again until the server took it (the page
// makes each event's id, so a repeat is the same event), and follows by server-sent events that
// resume after the last message seen. A token that the server does not know any more begins anew.

import { newId, storage } from "./store.js";
import { events } from "./stream.js";

const NAP_MS_MIN = 500;
const NAP_MS_MAX = 20000;
const SILENCE_MS_MAX = 40000; // the server sends a heartbeat every 15 seconds
const SIGN_MS = 3000; // how often it is told that somebody writes

// `told` is who hears of it: past(list, {language, read, seen}), message(message), read(seq),
// typing(), pending(event), progress(event, "waiting" | "sending" | "sent"), failed(event),
// state("" | "offline" | "wait"), reset(), ready(isNew). `who` is a person whom a messenger signed in:
// the browser keeps what is theirs apart.
export class Wire {
  constructor(slug, language, told, who) {
    const mine = who ? `chatworks:${slug}:telegram:${who}` : `chatworks:${slug}`;
    this.base = `/chat/${slug}`;
    this.language = language;
    this.told = told;
    this.store = storage("localStorage");
    this.drafts = storage("sessionStorage");
    this.keys = { token: `${mine}:token`, queue: `${mine}:queue`, draft: `${mine}:draft` };
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

  // Be whom a messenger signed in.
  become(token) {
    this.store.setItem(this.keys.token, token);
  }

  get known() {
    return Boolean(this.store.getItem(this.keys.token));
  }

  clear() {
    this.life += 1;
    this.seen = 0;
    this.blank = false;
    this.abort?.abort();
    this.told.reset();
  }

  greet() {
    this.queue.forEach((event) => this.show(event));
    this.told.ready((!this.token || this.blank) && !this.queue.length);
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
      const { messages, ...marks } = await answer.json();
      this.seen = messages.at(-1)?.seq ?? 0;
      this.blank = !messages.length; // signed in, and not a word yet
      this.told.past(messages, marks);
    }
  }

  take({ name, data }) {
    if (name === "typing") this.told.typing();
    else if (name === "read") this.told.read(data);
    else if (data.seq > this.seen) {
      this.seen = data.seq;
      this.told.message(data);
    }
  }

  send(event) {
    const whole = { id: newId(), ...event };
    this.queue.push(whole);
    this.keep();
    this.signed = 0; // what is written next is told anew
    this.show(whole);
    this.flush();
  }

  show(event) {
    this.told.pending(event);
    this.told.progress(event, navigator.onLine ? "sending" : "waiting");
  }

  // What is told in passing may be lost.
  sign(path, body) {
    if (this.token) fetch(`${this.base}/${path}`, { method: "POST", headers: this.headers(), body: JSON.stringify(body), keepalive: true }).catch(() => null);
  }

  typing() {
    if (Date.now() - (this.signed || 0) < SIGN_MS) return;
    this.signed = Date.now();
    this.sign("typing", {});
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    let pause = NAP_MS_MIN;
    while (this.queue.length) {
      this.told.progress(this.queue[0], navigator.onLine ? "sending" : "waiting");
      const answer = await this.post(this.queue[0]).catch(() => null);
      if (answer?.status === 401) this.forget();
      else if (!answer || answer.status === 429 || answer.status >= 500) {
        this.told.state(answer?.status === 429 ? "wait" : navigator.onLine ? "" : "offline");
        this.queue.forEach((event) => this.told.progress(event, "waiting"));
        await this.nap(pause);
        pause = Math.min(pause * 2, NAP_MS_MAX);
      } else {
        const event = this.queue.shift();
        this.keep();
        this.told.state("");
        pause = NAP_MS_MIN;
        if (answer.ok) this.told.progress(event, "sent");
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
        for await (const event of events(answer.body, hear)) if (life === this.life) this.take(event);
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
