// What is new and not seen yet: its count in the title, on the icon and on the widget's bubble; a
// sound and the browser's own notifications, both only where the person switched them on. Nothing
// is pushed through a foreign host: a page that is closed hears nothing.

const KEYS = { notify: "chatworks:notify", sound: "chatworks:sound" };
const SEEN_PAUSE_MS = 400; // glances are told together

export class Attention {
  // `watches()` says whether the person looks at the end of the log; `told(seq)` that they saw it;
  // `counted(n)` how many are new.
  constructor({ store, name, icon, watches, told, counted }) {
    Object.assign(this, { store, name, iconUrl: icon, watches, told, counted });
    this.title = document.title;
    this.link = document.querySelector('link[rel="icon"]');
    this.plain = this.link?.href;
    this.clear();
    document.addEventListener("visibilitychange", () => {
      this.look();
      if (document.hidden) this.tell(); // the page may be gone before its timer
    });
  }

  clear() {
    this.seen = this.last = this.timer = 0;
    this.fresh = [];
  }

  // What was seen before this page was opened, on any device.
  loaded(seen, outs) {
    this.seen = seen;
    this.fresh = outs.filter((seq) => seq > seen);
    this.last = outs.at(-1) ?? 0;
    this.look();
  }

  arrived(seq, text) {
    this.last = seq;
    this.fresh.push(seq);
    this.look();
    if (!this.fresh.length) return;
    if (this.on("sound")) this.ring();
    if (this.on("notify")) this.notify(text);
  }

  look() {
    if (this.watches() && this.last > this.seen) {
      this.seen = this.last;
      this.fresh = [];
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tell(), SEEN_PAUSE_MS);
    }
    this.count(this.fresh.length);
  }

  tell() {
    clearTimeout(this.timer);
    if (this.timer) this.told(this.seen);
    this.timer = 0;
  }

  count(number) {
    document.title = number ? `(${number}) ${this.title}` : this.title;
    if (number !== this.shown) this.badge(number);
    this.shown = number;
    this.counted(number);
  }

  async badge(number) {
    if (!this.link) return;
    if (!number) return void (this.link.href = this.plain);
    const image = new Image();
    image.src = this.plain;
    await image.decode().catch(() => null); // without its picture the icon is the badge alone
    if (this.shown !== number) return;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = canvas.getContext("2d");
    if (image.naturalWidth) pen.drawImage(image, 0, 0, 64, 64);
    pen.fillStyle = "#c62828";
    pen.beginPath();
    pen.arc(44, 20, 20, 0, 7);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.font = "bold 28px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(number > 9 ? "9+" : String(number), 44, 30);
    this.link.href = canvas.toDataURL();
  }

  // -- what the person switches on ------------------------------------------------------------------

  on(name) {
    return this.store.getItem(KEYS[name]) === "yes" && (name !== "notify" || globalThis.Notification?.permission === "granted");
  }

  // Returns whether it is on now: the browser asks the person, who may say no.
  async set(name, wanted) {
    const allowed = !wanted || name !== "notify" || (await Notification.requestPermission()) === "granted";
    this.store.setItem(KEYS[name], wanted && allowed ? "yes" : "no");
    if (this.on("sound") && name === "sound") this.ring();
    return this.on(name);
  }

  notify(text) {
    try {
      const shown = new Notification(this.name, { body: text, icon: this.iconUrl || this.plain, tag: `chatworks:${this.name}` });
      shown.addEventListener("click", () => {
        window.focus();
        shown.close();
      });
    } catch {
      // some phones show notifications to installed pages only
    }
  }

  // Two soft notes, made here: no file to fetch.
  ring() {
    this.audio ??= new AudioContext();
    const start = this.audio.currentTime;
    for (const [index, pitch] of [660, 880].entries()) {
      const at = start + index * 0.12;
      const [tone, gain] = [this.audio.createOscillator(), this.audio.createGain()];
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0.0001, at);
      gain.gain.exponentialRampToValueAtTime(0.08, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.22);
      tone.connect(gain).connect(this.audio.destination);
      tone.start(at);
      tone.stop(at + 0.25);
    }
  }
}
