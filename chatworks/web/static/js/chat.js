// The chat of an outlet's page and of its widget. No framework: it draws messages, keeps what was
// not sent yet, and follows the conversation by server-sent events that resume where they ended.

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;

class Chat {
  constructor(root) {
    this.root = root;
    this.slug = root.dataset.outlet;
    this.log = root.querySelector("[data-log]");
    this.form = root.querySelector("[data-composer]");
    this.input = this.form.elements.text;
    this.banner = root.querySelector("[data-banner]");
    this.texts = JSON.parse(root.querySelector("[data-texts]").textContent);
    this.key = `chatworks:${this.slug}`;
    this.seen = 0;
    this.day = "";
    this.queue = [];
    this.pending = new Map();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    window.addEventListener("online", () => this.flush());
    window.addEventListener("offline", () => this.tell(this.texts.offline));
    window.addEventListener("storage", (event) => {
      if (event.key === this.key && event.newValue) location.reload();
    });
    if (root.dataset.framed) this.frame();
  }

  get token() {
    return this.saved().token;
  }

  saved() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || {};
    } catch {
      return {};
    }
  }

  save(values) {
    localStorage.setItem(this.key, JSON.stringify({ ...this.saved(), ...values }));
  }

  async start() {
    if (!this.token) {
      this.invite();
      return;
    }
    this.queue = this.saved().queue || [];
    await this.load();
    for (const event of this.queue) this.drawPending(event);
    this.flush();
    this.follow();
  }

  invite() {
    const hint = this.element("p", "bubble out");
    hint.textContent = this.texts.hello;
    const row = this.element("div", "choices");
    const button = this.element("button");
    button.type = "button";
    button.textContent = this.texts.begin;
    button.addEventListener("click", () => this.send({ kind: "text", text: "/start" }));
    row.append(button);
    this.log.append(hint, row);
    this.invitation = [hint, row];
  }

  async register() {
    const answer = await fetch(`/chat/${this.slug}/start`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ language: this.root.dataset.lang }),
    });
    if (!answer.ok) throw new Error(`start ${answer.status}`);
    this.save({ token: (await answer.json()).token });
    this.follow();
  }

  headers() {
    return { authorization: `Bearer ${this.token}` };
  }

  async load() {
    const answer = await fetch(`/chat/${this.slug}/messages`, { headers: this.headers() }).catch(() => null);
    if (answer && answer.status === 401) {
      localStorage.removeItem(this.key);
      location.reload();
      return;
    }
    if (answer && answer.ok) (await answer.json()).messages.forEach((message) => this.draw(message));
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.send({ kind: "text", text });
  }

  send(event) {
    const whole = { id: crypto.randomUUID ? crypto.randomUUID() : this.uuid(), ...event };
    this.invitation?.forEach((node) => node.remove());
    this.invitation = null;
    this.queue.push(whole);
    this.keep();
    this.drawPending(whole);
    this.flush();
  }

  uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  keep() {
    if (this.token) this.save({ queue: this.queue });
  }

  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    let wait = RETRY_MS_MIN;
    while (this.queue.length) {
      const event = this.queue[0];
      try {
        if (!this.token) await this.register();
        const answer = await fetch(`/chat/${this.slug}/messages`, {
          method: "POST",
          headers: { ...this.headers(), "content-type": "application/json" },
          body: JSON.stringify(event),
        });
        if (answer.status === 429 || answer.status >= 500) {
          if (answer.status === 429) this.tell(this.texts.wait);
          throw new Error(`send ${answer.status}`);
        }
        this.queue.shift();
        this.keep();
        this.tell("");
        if (!answer.ok) this.fail(event, (await answer.json()).title);
        else this.typing(true);
        wait = RETRY_MS_MIN;
      } catch {
        if (!navigator.onLine) this.tell(this.texts.offline);
        await new Promise((done) => setTimeout(done, wait));
        wait = Math.min(wait * 2, RETRY_MS_MAX);
      }
    }
    this.flushing = false;
  }

  async follow() {
    if (this.following) return;
    this.following = true;
    let wait = RETRY_MS_MIN;
    for (;;) {
      try {
        const answer = await fetch(`/chat/${this.slug}/events?after=${this.seen}`, { headers: this.headers() });
        if (!answer.ok) throw new Error(`events ${answer.status}`);
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        wait = RETRY_MS_MIN;
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          text += value;
          const events = text.split("\n\n");
          text = events.pop();
          for (const event of events) {
            const data = event.split("\n").find((line) => line.startsWith("data: "));
            if (data) this.draw(JSON.parse(data.slice(6)));
          }
        }
      } catch {
        // the connection ended: wait, and resume after what was seen
      }
      await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(wait * 2, RETRY_MS_MAX);
    }
  }

  tell(text) {
    this.banner.textContent = text;
    this.banner.hidden = !text;
  }

  element(name, className = "") {
    const node = document.createElement(name);
    if (className) node.className = className;
    return node;
  }

  drawPending(event) {
    const bubble = this.element("div", "bubble in pending");
    bubble.textContent = this.shown(event);
    this.pending.set(event.id, bubble);
    this.log.append(bubble);
    this.closeChoices();
    this.scroll();
  }

  shown(event) {
    if (event.kind === "place") return `📍 ${this.texts.location}`;
    if (event.kind === "phone") return event.phone;
    return event.text === "/start" ? this.texts.begin : event.text;
  }

  fail(event, reason) {
    const bubble = this.pending.get(event.id);
    if (!bubble) return;
    bubble.classList.add("failed");
    bubble.title = reason || this.texts.failed;
    this.tell(reason || this.texts.failed);
  }

  draw(message) {
    if (message.seq <= this.seen) return;
    this.seen = message.seq;
    this.typing(false);
    this.separate(new Date(message.at));
    if (message.direction === "in") this.drawIn(message);
    else this.drawOut(message);
    this.scroll();
    this.unread(message);
  }

  separate(at) {
    const day = at.toLocaleDateString(this.root.dataset.lang, { weekday: "long", day: "numeric", month: "long" });
    if (day === this.day) return;
    this.day = day;
    const line = this.element("p", "day");
    line.textContent = at.toDateString() === new Date().toDateString() ? this.texts.today : day;
    this.log.append(line);
  }

  drawIn(message) {
    const content = message.content;
    this.pending.get(content.message_ref)?.remove();
    this.pending.delete(content.message_ref);
    const slash = content.kind === "command" && content.text !== "start" ? "/" : "";
    const said = content.kind === "command" && content.text === "start" ? "/start" : slash + (content.text || "");
    const bubble = this.element("div", "bubble in");
    bubble.textContent = this.shown({ kind: content.kind, text: said, phone: content.phone });
    bubble.append(this.time(message.at));
    this.log.append(bubble);
    this.closeChoices();
  }

  drawOut(message) {
    const { text, card, buttons, wanted } = message.content;
    const person = message.author.startsWith("operator:");
    const bubble = this.element("div", person ? "bubble out person" : "bubble out");
    if (person) {
      const who = this.element("span", "who");
      who.textContent = this.texts.person;
      bubble.append(who);
    }
    if (card) bubble.append(this.slip(card));
    if (text) bubble.append(text);
    bubble.append(this.time(message.at));
    this.log.append(bubble);
    if (buttons && buttons.length) this.drawButtons(message.seq, buttons);
    this.input.inputMode = wanted === "phone" ? "tel" : "text";
  }

  slip(card) {
    const slip = this.element("div", "slip");
    const add = (name, className, text) => {
      if (!text) return null;
      const node = this.element(name, className);
      node.textContent = text;
      slip.append(node);
      return node;
    };
    add("b", "", card.title);
    add("span", "muted", card.subtitle);
    for (const { label, value } of card.lines || []) {
      const row = this.element("div", "row");
      for (const part of [label, value]) {
        const span = this.element("span");
        span.textContent = part;
        row.append(span);
      }
      slip.append(row);
    }
    add("span", "foot", card.footer);
    return slip;
  }

  drawButtons(seq, buttons) {
    const row = this.element("div", "choices");
    for (const { id, label } of buttons) {
      if (id === "__phone") continue; // the keyboard is the nearer way here
      const button = this.element("button");
      button.type = "button";
      button.textContent = label;
      if (id.includes(":")) button.dataset.menu = "yes";
      button.addEventListener("click", () => {
        if (id === "__location") this.locate();
        else this.send({ kind: "tap", tap: `${seq}.${id}`, text: label });
        this.input.focus({ preventScroll: true });
      });
      row.append(button);
    }
    if (row.childElementCount) this.log.append(row);
  }

  closeChoices() {
    for (const button of this.log.querySelectorAll(".choices button:not([data-menu])")) button.disabled = true;
  }

  locate() {
    if (!navigator.geolocation) {
      this.tell(this.texts.no_location);
      return;
    }
    this.tell(this.texts.locating);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        this.tell("");
        this.send({ kind: "place", latitude: coords.latitude, longitude: coords.longitude });
      },
      () => this.tell(this.texts.no_location),
      { timeout: 10000, maximumAge: 60000 },
    );
  }

  time(at) {
    const node = this.element("time");
    node.dateTime = at;
    node.textContent = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    return node;
  }

  typing(on) {
    this.dots?.remove();
    this.dots = null;
    if (!on) return;
    this.dots = this.element("div", "bubble out dots");
    this.dots.setAttribute("aria-hidden", "true");
    this.dots.append(this.element("i"), this.element("i"), this.element("i"));
    this.log.append(this.dots);
    const dots = this.dots;
    setTimeout(() => dots.remove(), 8000);
    this.scroll();
  }

  scroll() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  // -- inside the widget's iframe: our page speaks to the page that embeds us -------------------

  frame() {
    const ours = document.referrer ? new URL(document.referrer).origin : "";
    this.host = ours;
    this.open = false;
    this.count = 0;
    this.root.querySelector("[data-close]")?.addEventListener("click", () => this.post({ chatworks: "close" }));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.post({ chatworks: "close" });
    });
    window.addEventListener("message", (event) => {
      if (event.origin !== this.host || event.source !== window.parent) return;
      if (event.data?.chatworks === "opened") {
        this.open = true;
        this.count = 0;
        this.post({ chatworks: "unread", count: 0 });
        this.input.focus();
        this.scroll();
      }
      if (event.data?.chatworks === "closed") this.open = false;
    });
  }

  post(data) {
    if (this.host) window.parent.postMessage(data, this.host);
  }

  unread(message) {
    if (!this.host || this.open || message.direction === "in") return;
    this.count += 1;
    this.post({ chatworks: "unread", count: this.count });
  }
}

for (const root of document.querySelectorAll("[data-chat]")) new Chat(root).start();
