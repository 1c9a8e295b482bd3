// The chat of an outlet's page and of its widget: it draws what the wire brings, and sends what is
// written and tapped. No framework.

import { choices, clock, day, element, linked, slip } from "./paint.js";
import { Wire } from "./wire.js";

const NEAR_PX = 90; // this close to the end, new messages scroll the log
const JOIN_MS = 120000; // one person's messages within this time stand together
const TYPING_MS = 8000;

class Chat {
  constructor(root) {
    const find = (name) => root.querySelector(`[data-${name}]`);
    this.root = root;
    this.log = find("log");
    this.form = find("composer");
    this.input = this.form.elements.text;
    this.banner = find("banner");
    this.welcome = find("welcome");
    this.toEnd = find("to-end");
    this.texts = JSON.parse(find("texts").textContent);
    this.language = root.dataset.lang;
    this.title = document.title;
    this.pendings = new Map();
    this.wire = new Wire(root.dataset.outlet, this.language, this);
    this.listen(find);
    if (root.dataset.framed) this.frame(find("close"));
    this.input.value = this.wire.draft;
    this.wire.open();
  }

  listen(find) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => (this.wire.draft = this.input.value));
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    find("begin").addEventListener("click", () => this.begin());
    this.toEnd.addEventListener("click", () => this.scroll());
    this.log.addEventListener("scroll", () => {
      this.atEnd = this.near();
      if (this.atEnd) this.toEnd.hidden = true;
    });
    new ResizeObserver(() => this.atEnd && this.scroll()).observe(this.log);
    document.addEventListener("visibilitychange", () => document.hidden || (document.title = this.title));
    document.querySelector("[data-to-chat]")?.addEventListener("click", () => this.welcome.hidden || this.begin());
  }

  begin() {
    this.wire.send({ kind: "text", text: "/start" });
    this.rest();
    this.root.scrollIntoView({ block: "nearest" }); // on a phone its end lies below the fold
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.wire.draft = "";
    this.wire.send({ kind: "text", text });
  }

  // Where the focus goes when its button is done with; on a phone the keyboard would pop up.
  rest() {
    const node = matchMedia("(pointer: fine)").matches ? this.input : this.log;
    node.focus({ preventScroll: true });
  }

  // -- what the wire tells ----------------------------------------------------------------------

  reset() {
    this.log.replaceChildren(this.welcome);
    this.welcome.hidden = true;
    this.pendings.clear();
    this.last = this.date = this.dots = null;
    this.atEnd = true;
  }

  ready(isNew) {
    this.welcome.hidden = !isNew;
    this.scroll();
  }

  messages(list, language) {
    const loading = language !== undefined;
    if (loading) {
      this.log.lang = language;
      this.log.setAttribute("aria-busy", "true"); // the past is not read aloud
    }
    for (const message of list) {
      if (message.direction === "in") this.drawIn(message);
      else this.drawOut(message, loading);
    }
    if (loading) this.log.removeAttribute("aria-busy");
  }

  pending(event) {
    this.welcome.hidden = true;
    this.typing(false);
    const bubble = this.bubble("in", "new");
    bubble.append(this.shown(event), element("span", "state", this.texts.sending));
    this.pendings.set(event.id, bubble);
    this.close(event.tap);
    this.append(bubble, true);
  }

  sent(event) {
    if (this.pendings.has(event.id) && !this.last?.person) this.typing(true);
  }

  failed(event) {
    const bubble = this.pendings.get(event.id);
    if (!bubble) return;
    bubble.classList.add("failed");
    bubble.querySelector(".state").textContent = this.texts.failed;
    if (event.kind !== "text") return;
    const again = element("button", "button quiet slim", this.texts.edit);
    again.type = "button";
    again.addEventListener("click", () => {
      this.input.value = this.wire.draft = event.text;
      bubble.remove();
      this.input.focus();
    });
    bubble.append(again);
  }

  state(name) {
    this.tell(name ? this.texts[name] : "");
  }

  // -- drawing ----------------------------------------------------------------------------------

  tell(text) {
    this.banner.textContent = text;
    this.banner.hidden = !text;
  }

  bubble(side, more = "") {
    return element("div", `bubble ${side} ${more}`.trim());
  }

  shown(event) {
    if (event.kind === "place") return `📍 ${this.texts.location}`;
    if (event.kind === "phone") return event.phone;
    return event.text === "/start" ? this.texts.begin : event.text;
  }

  drawIn(message) {
    const { content } = message;
    const pending = this.pendings.get(content.message_ref);
    pending?.remove();
    this.pendings.delete(content.message_ref);
    const command = content.kind === "command" ? `/${content.text} ${content.arguments || ""}`.trim() : content.text;
    const bubble = this.bubble("in", pending ? "" : "new");
    bubble.append(this.shown({ kind: content.kind, text: command, phone: content.phone }), clock(message.at, this.language));
    this.separate(message.at);
    this.join(bubble, message);
    this.close(content.tap);
    this.append(bubble, Boolean(pending));
  }

  drawOut(message, loading) {
    const { text, card, buttons, wanted } = message.content;
    const person = message.author.startsWith("operator:");
    this.typing(false);
    this.separate(message.at);
    const bubble = this.bubble("out", `${person ? "person" : ""} ${loading ? "" : "new"}`);
    if (person) bubble.append(element("span", "who", this.texts.person));
    if (card) bubble.append(slip(card));
    if (text) {
      const words = element("span", "words");
      words.append(...linked(text));
      bubble.append(words);
    }
    bubble.append(clock(message.at, this.language));
    this.join(bubble, message, person);
    this.append(bubble);
    const row = choices(message.seq, buttons || [], (id, label) => this.tap(message.seq, id, label));
    if (row) {
      this.append(row);
      this.last.node = null;
    }
    this.input.inputMode = wanted === "phone" ? "tel" : "text";
    if (!loading) this.unread();
  }

  separate(at) {
    const date = new Date(at).toDateString();
    if (date === this.date) return;
    this.date = date;
    this.last = null;
    this.log.append(element("p", "day", day(new Date(at), this.language, this.texts.today)));
  }

  join(bubble, { author, at }, person = false) {
    const time = new Date(at).getTime();
    const { last } = this;
    if (last?.node && last.author === author && time - last.time < JOIN_MS) last.node.classList.add("joined");
    this.last = { node: bubble, author, time, person };
  }

  append(node, mine = false) {
    const follow = mine || this.near();
    this.log.append(node);
    if (this.dots) this.log.append(this.dots);
    if (follow) this.scroll();
    else this.toEnd.hidden = false;
  }

  near() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_PX;
  }

  scroll() {
    this.log.scrollTop = this.log.scrollHeight;
    this.toEnd.hidden = true;
    this.atEnd = true;
  }

  // An answer closes what was asked before it; the button that was tapped keeps its mark.
  close(tap = "") {
    const [seq, id] = [tap.slice(0, tap.indexOf(".")), tap.slice(tap.indexOf(".") + 1)];
    for (const row of this.log.querySelectorAll(".choices:not(.closed)")) {
      row.classList.add("closed");
      for (const button of row.children) {
        if (button.dataset.menu) continue;
        button.disabled = true;
        if (row.dataset.seq !== seq || button.dataset.id !== id) continue;
        button.classList.add("chosen");
        row.classList.add("answered");
      }
    }
  }

  tap(seq, id, label) {
    if (id === "__location") this.locate();
    else this.wire.send({ kind: "tap", tap: `${seq}.${id}`, text: label });
    this.rest();
  }

  locate() {
    if (!navigator.geolocation) return this.tell(this.texts.no_location);
    this.tell(this.texts.locating);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        this.tell("");
        this.wire.send({ kind: "place", latitude: coords.latitude, longitude: coords.longitude });
      },
      () => this.tell(this.texts.no_location),
      { timeout: 10000, maximumAge: 60000 },
    );
  }

  typing(on) {
    clearTimeout(this.dotsEnd);
    this.dots?.remove();
    this.dots = null;
    if (!on) return;
    const dots = this.bubble("out", "dots");
    dots.setAttribute("aria-hidden", "true");
    dots.append(element("i"), element("i"), element("i"));
    this.append(dots);
    this.dots = dots;
    this.dotsEnd = setTimeout(() => this.typing(false), TYPING_MS);
  }

  unread() {
    if (document.hidden) document.title = `● ${this.title}`;
    if (!this.framed || this.open) return;
    this.count += 1;
    this.post({ chatworks: "unread", count: this.count });
  }

  // -- inside the widget's iframe: our page speaks to the page that embeds us --------------------

  frame(close) {
    this.framed = document.referrer ? new URL(document.referrer).origin : "";
    this.open = false;
    this.count = 0;
    close.addEventListener("click", () => this.post({ chatworks: "close" }));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.post({ chatworks: "close" }));
    window.addEventListener("message", (event) => {
      if (event.origin !== this.framed || event.source !== window.parent) return;
      this.open = event.data?.chatworks === "opened";
      if (!this.open) return;
      this.count = 0;
      this.post({ chatworks: "unread", count: 0 });
      this.input.focus();
      this.scroll();
    });
  }

  post(data) {
    if (this.framed) window.parent.postMessage(data, this.framed);
  }
}

for (const root of document.querySelectorAll("[data-chat]")) new Chat(root);
