// The conversation's log: what is said in order, joined and parted by time, with the marks of what
// was sent, taken and read; the dots of somebody who writes; and the scrolling to its end.

import { close } from "./choices.js";
import { Sheet } from "./form.js";
import { clock, day, element, fill, icon } from "./nodes.js";
import { incoming, outgoing } from "./paint.js";

const NEAR_PX = 90; // this close to the end, new messages scroll the log
const JOIN_MS = 120000; // one person's messages within this time stand together
const WRITING_MS = 6000; // a sign of writing is forgotten after this time
const ANSWER_MS = 8000;

export class Log {
  // `ctx` is what messages are drawn with; `moved()` is called when the log was scrolled.
  constructor(node, { welcome, toEnd, status, ctx, moved }) {
    Object.assign(this, { node, welcome, toEnd, status, ctx, moved });
    this.pendings = new Map();
    toEnd.addEventListener("click", () => this.scroll());
    node.addEventListener("scroll", () => {
      this.atEnd = this.near();
      if (this.atEnd) toEnd.hidden = true;
      this.moved();
    });
    new ResizeObserver(() => this.atEnd && this.scroll()).observe(node);
    node.addEventListener("load", () => this.atEnd && this.scroll(), true); // a picture got its size
  }

  reset() {
    this.node.replaceChildren(this.welcome);
    this.welcome.hidden = true;
    this.pendings.clear();
    this.last = this.date = this.dots = this.fresh = null;
    this.atEnd = true;
    this.read = 0;
  }

  // Draws messages of the past: they are not read aloud, and one line says where the new ones begin.
  past(messages, language, seen) {
    this.node.lang = this.ctx.language = language;
    this.node.setAttribute("aria-busy", "true");
    for (const message of messages) {
      const news = message.direction === "out" && message.seq > seen && seen > 0;
      if (news && !this.fresh) this.node.append((this.fresh = element("p", "day fresh", this.ctx.texts.fresh)));
      this.draw(message, "");
    }
    this.node.removeAttribute("aria-busy");
  }

  draw(message, how = "new") {
    if (message.direction === "in") this.drawIn(message, how);
    else if (message.content.typing) this.writing(how && this.ctx.texts.writing, WRITING_MS);
    else this.drawOut(message, how);
  }

  // -- what the person says -----------------------------------------------------------------------

  pending(event) {
    this.welcome.hidden = true;
    this.still();
    this.wait(event.id, incoming(event, this.ctx));
    this.close(event);
  }

  // A bubble of something that is not taken yet; it takes the place of an earlier one of its id.
  wait(id, nodes) {
    const bubble = this.bubble("in", "new");
    bubble.append(...nodes, element("span", "state"));
    const before = this.pendings.get(id);
    this.pendings.set(id, bubble);
    if (before) before.replaceWith(bubble);
    else this.append(bubble, true);
  }

  rise(id, fraction) {
    const bar = this.pendings.get(id)?.querySelector("progress");
    if (bar) bar.value = fraction;
  }

  // Says beneath a message how far it got; `name` is that of a text and of an icon.
  state(id, text, name) {
    const bubble = this.pendings.get(id);
    if (!bubble) return;
    const state = bubble.querySelector(".state");
    if (state.textContent !== text) state.replaceChildren(text, icon(name));
  }

  failed(id, reason, ...again) {
    const bubble = this.pendings.get(id);
    if (!bubble) return;
    bubble.classList.add("failed");
    bubble.querySelector("progress")?.remove();
    this.state(id, reason, "warn");
    bubble.append(...again);
  }

  forget(id) {
    this.pendings.get(id)?.remove();
    this.pendings.delete(id);
  }

  drawIn(message, how) {
    const { content } = message;
    const known = this.pendings.has(content.message_ref);
    this.forget(content.message_ref);
    const bubble = this.bubble("in", known ? "" : how);
    bubble.append(...incoming(content, this.ctx, message.file), this.meta(message, icon("sent", this.ctx.texts.sent)));
    bubble.dataset.seq = message.seq;
    this.place(bubble, message);
    this.close(content);
    this.append(bubble, known);
    this.ticks();
  }

  // What the shop has read carries two ticks.
  ticks(read = this.read) {
    this.read = read;
    for (const bubble of this.node.querySelectorAll(".bubble.in[data-seq]:not(.read)")) {
      if (Number(bubble.dataset.seq) > read) continue;
      bubble.classList.add("read");
      bubble.querySelector(".meta .icon").replaceWith(icon("read", this.ctx.texts.read));
    }
  }

  // An answer closes what was asked before it; a form keeps the values that were given.
  close({ tap = "", values }) {
    close(this.node, tap);
    Sheet.closeAll(this.node);
    if (values) Sheet.of(this.node, tap.split(".")[0])?.fill(values);
  }

  // -- what is said to them -----------------------------------------------------------------------

  drawOut(message, how) {
    const person = message.author.startsWith("operator:");
    this.still();
    const { inside, below } = outgoing(message, this.ctx);
    if (inside.length) {
      const bubble = this.bubble("out", `${person ? "person" : ""} ${how}`);
      if (person) bubble.append(element("span", "who", this.ctx.texts.person));
      bubble.append(...inside, this.meta(message));
      this.place(bubble, message, person);
      this.append(bubble);
    }
    for (const node of below) this.append(node);
    if (below.length && this.last) this.last.node = null;
  }

  // Dots while an answer is written. What is said aloud is one polite word, and only of a person.
  writing(said, forMs = ANSWER_MS) {
    if (!this.dots) {
      this.dots = element("div", "bubble out dots");
      this.dots.setAttribute("aria-hidden", "true");
      this.dots.append(element("i"), element("i"), element("i"));
      this.append(this.dots);
    }
    if (said && this.status.textContent !== said) this.status.textContent = said;
    clearTimeout(this.dotsEnd);
    this.dotsEnd = setTimeout(() => this.still(), forMs);
  }

  still() {
    clearTimeout(this.dotsEnd);
    this.dots?.remove();
    this.dots = null;
    this.status.textContent = "";
  }

  // -- where it stands ----------------------------------------------------------------------------

  bubble(side, more = "") {
    return element("div", `bubble ${side} ${more}`.trim());
  }

  meta({ at }, ...marks) {
    const node = element("span", "meta");
    node.append(clock(at, this.ctx.language), ...marks);
    return node;
  }

  place(bubble, { author, at }, person = false) {
    const time = new Date(at).getTime();
    const date = new Date(at).toDateString();
    if (date !== this.date) {
      this.date = date;
      this.last = null;
      this.append(element("p", "day", day(new Date(at), this.ctx.language, this.ctx.texts.today)));
    }
    const { last } = this;
    if (last?.node && last.author === author && time - last.time < JOIN_MS) last.node.classList.add("joined");
    this.last = { node: bubble, author, time, person };
  }

  append(node, mine = false) {
    const follow = mine || this.near();
    this.node.append(node);
    if (this.dots) this.node.append(this.dots);
    if (follow) this.scroll();
    else if (node !== this.dots) this.toEnd.hidden = false;
  }

  near() {
    return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < NEAR_PX;
  }

  scroll() {
    this.node.scrollTop = this.node.scrollHeight;
    this.toEnd.hidden = true;
    this.atEnd = true;
  }
}

export const named = (texts, outlet) => ({ ...texts, writing: fill(texts.writing, { name: outlet }) });
