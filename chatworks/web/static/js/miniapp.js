// The page inside of Telegram, as a Mini App. Telegram writes into the address, behind the #, who
// opened it, signed (core.telegram.org/bots/webapps): the page trades that for the token of the same
// visitor every time. Nothing is loaded from Telegram; what it is told goes by the events of
// core.telegram.org/api/web-events.

import { storage } from "./store.js";

const NAP_MS_MIN = 500;
const NAP_MS_MAX = 20000;

function tell(type) {
  if (window.TelegramWebviewProxy) window.TelegramWebviewProxy.postEvent(type, "{}");
  else if (window.parent !== window) {
    // Only Telegram's web client may frame us: the page's policy says so.
    const parent = document.referrer && new URL(document.referrer).origin;
    if (parent) window.parent.postMessage(JSON.stringify({ eventType: type, eventData: {} }), parent);
  } else window.external?.notify?.(JSON.stringify({ eventType: type, eventData: {} }));
}

// Which person of Telegram's this is, to keep apart what the browser keeps; the server finds out
// by the signature who it really is.
function person(signed) {
  try {
    return String(JSON.parse(new URLSearchParams(signed).get("user")).id);
  } catch {
    return "";
  }
}

export class MiniApp {
  constructor(slug) {
    this.slug = slug;
    this.signed = new URLSearchParams(location.hash.slice(1)).get("tgWebAppData") || "";
    const known = storage("sessionStorage");
    const key = `chatworks:${slug}:telegram`;
    this.who = this.signed ? person(this.signed) : known.getItem(key) || ""; // a reload has no #
    if (!this.signed) return;
    known.setItem(key, this.who);
    history.replaceState(null, "", location.pathname + location.search); // it is good once
    tell("web_app_ready");
    tell("web_app_expand");
  }

  // Returns the token and the word of the link, or null: Telegram's text signs nobody in any more.
  async signIn() {
    const body = JSON.stringify({ outlet: this.slug, init_data: this.signed });
    const headers = { "content-type": "application/json" };
    for (let pause = NAP_MS_MIN; ; pause = Math.min(pause * 2, NAP_MS_MAX)) {
      const answer = await fetch("/telegram/session", { method: "POST", headers, body }).catch(() => null);
      if (answer?.ok) return answer.json();
      if (answer && answer.status !== 429 && answer.status < 500) return null;
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}
