// Inside the widget's iframe: our page speaks to the page that embeds us, and to nobody else.

export class Frame {
  constructor(close, { opened, closed }) {
    this.parent = document.referrer ? new URL(document.referrer).origin : "";
    this.open = false;
    const leave = () => this.post({ chatworks: "close" });
    close.addEventListener("click", leave);
    document.addEventListener("keydown", ({ key, defaultPrevented }) => {
      if (key === "Escape" && !defaultPrevented && !document.querySelector("dialog[open]")) leave();
    });
    window.addEventListener("message", ({ origin, source, data }) => {
      if (origin !== this.parent || source !== window.parent) return;
      const was = this.open;
      this.open = data?.chatworks === "opened";
      if (this.open) opened();
      else if (was) closed();
    });
  }

  count(number) {
    this.post({ chatworks: "unread", count: number });
  }

  // The page that embeds us may load the chat by itself next time: somebody talks here.
  known() {
    this.post({ chatworks: "known" });
  }

  post(data) {
    if (this.parent) window.parent.postMessage(data, this.parent);
  }
}
