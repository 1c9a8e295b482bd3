// Files on their way up: one after the other, with progress; what the network breaks off begins
// again by itself, what the server refuses says why. When a file is up, its message is sent by the
// wire under the same id, so that a repeat is the same message.

import { drop, keep, kept } from "./shelf.js";
import { newId } from "./store.js";

const NAP_MS_MIN = 1000;
const NAP_MS_MAX = 20000;
const [EMPTY, TOO_LARGE] = [400, 413]; // what the server would say

export class Uploads {
  // `told` hears: uploading(item), rising(id, fraction), stalled(id), refused(item, reason),
  // dropped(id). `reasons` are the texts for what trying again does not mend, by status.
  constructor(wire, slug, { most, told, reasons }) {
    Object.assign(this, { wire, slug, most, told, reasons });
    this.queue = [];
  }

  async resume() {
    this.queue.forEach((item) => this.told.uploading(item)); // the log may have been emptied
    const all = await kept(this.slug);
    const known = new Set(this.queue.map(({ id }) => id));
    const sent = new Set(this.wire.queue.map(({ id }) => id)); // up already: only its message waits
    for (const item of all) {
      if (sent.has(item.id)) drop(item.id);
      else if (!known.has(item.id)) this.enter(item);
    }
    this.pump();
  }

  add(files) {
    for (const file of files) {
      const item = { id: newId(), slug: this.slug, name: file.name, type: file.type, size: file.size, file };
      const status = file.size > this.most ? TOO_LARGE : file.size ? 0 : EMPTY;
      this.told.uploading(item);
      if (status) this.told.refused(item, this.reasons[status], false);
      else {
        keep(item);
        this.queue.push(item);
      }
    }
    this.pump();
  }

  enter(item) {
    this.queue.push(item);
    this.told.uploading(item);
  }

  again(item) {
    keep(item);
    this.enter(item);
    this.pump();
  }

  cancel(id) {
    this.leave(id);
    if (this.current === id) this.request?.abort();
    this.told.dropped(id);
  }

  leave(id) {
    this.queue = this.queue.filter((item) => item.id !== id);
    drop(id);
  }

  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    let pause = NAP_MS_MIN;
    while (this.queue.length) {
      const [item] = this.queue;
      const { status, body } = await this.put(item).catch(() => ({ status: 0 }));
      if (!this.queue.includes(item)) continue; // the person has cancelled it meanwhile
      if (status === 201) {
        pause = NAP_MS_MIN;
        this.wire.send({ id: item.id, kind: "file", file: body });
        this.leave(item.id);
      } else if (status === 401) this.wire.forget();
      else if (!status || status === 429 || status >= 500) {
        this.told.stalled(item.id);
        await this.wire.nap(pause);
        pause = Math.min(pause * 2, NAP_MS_MAX);
      } else {
        this.leave(item.id);
        this.told.refused(item, this.reasons[status] || body?.detail || "", !this.reasons[status]);
      }
    }
    this.pumping = false;
  }

  // fetch() tells nothing of an upload's progress.
  async put(item) {
    if (!this.wire.token) await this.wire.register();
    this.current = item.id;
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("POST", `${this.wire.base}/files?name=${encodeURIComponent(item.name)}`);
      request.setRequestHeader("authorization", `Bearer ${this.wire.token}`);
      request.setRequestHeader("content-type", item.type || "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => this.told.rising(item.id, loaded / total);
      request.onloadend = () => done({ status: request.status, body: request.response });
      request.send(item.file);
    });
  }
}

// How files come: from a picker, a phone's camera, the clipboard, or dropped on the chat.
export function gather(root, input, { attach, picker, camera, snap }, take) {
  for (const [press, from] of [[attach, picker], [camera, snap]]) {
    press.hidden = false;
    press.addEventListener("click", () => from.click());
    from.addEventListener("change", () => {
      take([...from.files]);
      from.value = "";
    });
  }
  input.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    take([...event.clipboardData.files]);
  });
  let over = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const hover = (change) => (event) => {
    if (!carries(event)) return;
    over += change;
    root.classList.toggle("dropping", over > 0);
  };
  root.addEventListener("dragenter", hover(1));
  root.addEventListener("dragleave", hover(-1));
  root.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over = 0;
    root.classList.remove("dropping");
    take([...event.dataTransfer.files]);
  });
}
