// The chat of an outlet's page and of its widget: it joins the log, which draws, the wire, which
// talks to the server, and what draws the person's attention. No framework.

import { Attention } from "./attention.js";
import { Sheet } from "./form.js";
import { Frame } from "./frame.js";
import { Log, named } from "./log.js";
import { MiniApp } from "./miniapp.js";
import { button } from "./nodes.js";
import { FILE, LOCATION, rising, summary } from "./paint.js";
import { gather, Uploads } from "./upload.js";
import { Wire } from "./wire.js";

const STATES = { waiting: "wait", sending: "wait", sent: "sent" };

class Chat {
  constructor(root) {
    const find = (name) => root.querySelector(`[data-${name}]`);
    this.root = root;
    this.form = find("composer");
    this.input = this.form.elements.text;
    this.banner = find("banner");
    this.welcome = find("welcome");
    this.texts = named(JSON.parse(find("texts").textContent), root.dataset.name);
    const ctx = (this.ctx = {
      language: root.dataset.lang,
      texts: this.texts,
      takesFiles: Boolean(root.dataset.most),
      tap: (seq, id, label) => this.tap(seq, id, label),
      answer: (seq, values, text) => this.answer(seq, values, text),
    });
    this.log = new Log(find("log"), { welcome: this.welcome, toEnd: find("to-end"), status: find("status"), ctx, moved: () => this.attention?.look() });
    this.app = new MiniApp(root.dataset.outlet);
    this.wire = new Wire(root.dataset.outlet, root.dataset.lang, this, this.app.who);
    if (root.dataset.framed) this.frame = new Frame(find("close"), { opened: () => this.opened(), closed: () => this.attention.tell() });
    this.attention = new Attention({
      store: this.wire.store,
      name: root.dataset.name,
      icon: root.querySelector("header img")?.src,
      watches: () => !document.hidden && (!this.frame || this.frame.open) && this.log.atEnd,
      told: (seq) => this.wire.sign("seen", { seq }),
      counted: (number) => this.frame?.count(number),
    });
    this.listen(find);
    this.switches(find("switches"));
    if (ctx.takesFiles) this.uploads = this.takeFiles(find, Number(root.dataset.most));
    this.input.value = this.wire.draft;
    this.enter();
  }

  // Who opened the page inside of Telegram is signed in before the first word.
  async enter() {
    if (!this.app.signed) return this.wire.open();
    this.form.inert = true;
    const given = await this.app.signIn();
    if (given) this.wire.become(given.token);
    if (!given && !this.wire.known) return this.tell(this.texts.reopen);
    this.form.inert = false;
    await this.wire.open();
    if (given?.start) this.wire.send({ kind: "text", text: `/start ${given.start}` });
  }

  listen(find) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => {
      this.wire.draft = this.input.value;
      if (this.input.value.trim()) this.wire.typing();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    find("begin").addEventListener("click", () => this.begin());
    document.querySelector("[data-to-chat]")?.addEventListener("click", () => this.welcome.hidden || this.begin());
  }

  takeFiles(find, most) {
    const { texts } = this;
    const uploads = new Uploads(this.wire, this.root.dataset.outlet, {
      most,
      reasons: { 400: texts.empty, 413: texts.too_large, 415: texts.not_taken },
      told: {
        uploading: (item) => {
          this.welcome.hidden = true;
          this.log.wait(item.id, [rising(item, this.ctx, () => uploads.cancel(item.id))]);
          this.log.state(item.id, navigator.onLine ? texts.uploading : texts.waiting, "wait");
        },
        rising: (id, fraction) => {
          this.log.rise(id, fraction);
          this.log.state(id, texts.uploading, "wait");
        },
        stalled: (id) => this.log.state(id, texts.waiting, "wait"),
        refused: (item, reason, retry) => {
          const again = button("button quiet slim", texts.again, () => uploads.again(item));
          this.log.failed(item.id, reason || texts.failed, ...(retry ? [again] : []));
        },
        dropped: (id) => this.log.forget(id),
      },
    });
    this.picker = find("picker");
    const from = { attach: find("attach"), picker: this.picker, camera: find("camera"), snap: find("snap") };
    gather(this.root, this.input, from, (files) => uploads.add(files));
    return uploads;
  }

  // Notifications and sound: off until the person switches them on; a framed page may not notify.
  switches(menu) {
    const handle = menu.querySelector("summary");
    for (const box of menu.querySelectorAll("input")) {
      if (box.name === "notify" && (this.frame || !globalThis.Notification)) {
        box.closest("label").hidden = true;
        continue;
      }
      box.checked = this.attention.on(box.name);
      box.addEventListener("change", async () => {
        box.checked = await this.attention.set(box.name, box.checked);
      });
    }
    document.addEventListener("click", ({ target }) => menu.contains(target) || (menu.open = false));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.preventDefault(); // the widget stays open
      menu.open = false;
      handle.focus();
    });
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
    const node = matchMedia("(pointer: fine)").matches ? this.input : this.log.node;
    node.focus({ preventScroll: true });
  }

  opened() {
    this.input.focus();
    this.log.scroll();
    this.attention.look();
  }

  // -- what the wire tells ----------------------------------------------------------------------

  reset() {
    this.log.reset();
    this.attention?.clear();
  }

  ready(isNew) {
    this.welcome.hidden = !isNew;
    this.log.scroll();
    this.attention.look();
    this.uploads?.resume();
    if (!isNew) this.frame?.known();
  }

  past(messages, { language, read, seen }) {
    this.log.past(messages, language, seen);
    this.log.ticks(read);
    const outs = messages.filter(({ direction }) => direction === "out");
    this.attention.loaded(seen, outs.map(({ seq }) => seq));
  }

  message(message) {
    this.log.draw(message);
    if (message.direction !== "out" || message.content.typing) return;
    this.input.inputMode = message.content.wanted === "phone" ? "tel" : "text";
    this.attention.arrived(message.seq, summary(message.content));
  }

  read(seq) {
    this.log.ticks(seq);
  }

  typing() {
    this.log.writing(this.texts.writing);
  }

  pending(event) {
    this.log.pending(event);
  }

  progress(event, how) {
    this.log.state(event.id, this.texts[how], STATES[how]);
    if (how === "sent" && !this.log.last?.person) this.log.writing("");
    if (how === "sent") this.frame?.known();
  }

  failed(event) {
    const text = event.kind === "text";
    const again = button("button quiet slim", text ? this.texts.edit : this.texts.again, () => {
      this.log.forget(event.id);
      if (text) {
        this.input.value = this.wire.draft = event.text;
        this.input.focus();
      } else if (event.kind === "form") Sheet.of(this.log.node, event.tap.split(".")[0])?.open();
      else this.wire.send(event);
    });
    this.log.failed(event.id, this.texts.failed, again);
  }

  state(name) {
    this.tell(name ? this.texts[name] : "");
  }

  tell(text) {
    this.banner.textContent = text;
    this.banner.hidden = !text;
  }

  // -- answers ----------------------------------------------------------------------------------

  tap(seq, id, label) {
    if (id === FILE) return this.picker.click();
    if (id === LOCATION) this.locate();
    else this.wire.send({ kind: "tap", tap: `${seq}.${id}`, text: label });
    this.rest();
  }

  answer(seq, values, text) {
    this.wire.send({ kind: "form", tap: `${seq}.form`, values, text });
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
}

for (const root of document.querySelectorAll("[data-chat]")) new Chat(root);
