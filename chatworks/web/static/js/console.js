// Keeps the console live: when the outlet changes, the page fetches itself and swaps its marked
// parts, without touching one that somebody types in. Everything works without it, by reloading.

const PAUSE_MS = 120;
const main = document.querySelector("main[data-live]");
const announce = document.querySelector("[data-announce]");
const near = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 90;
const toEnd = (log) => log && (log.scrollTop = log.scrollHeight);
toEnd(document.querySelector(".transcript"));

// What was saved is said once: a reload does not say it again.
if (new URLSearchParams(location.search).has("saved")) history.replaceState(null, "", location.pathname + location.hash);

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// A file's way up is shown; what is wrong with it stands in the row that comes back.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const row = form.closest("[id]");
  if (!form.matches("[data-upload]") || event.defaultPrevented || event.submitter?.name || !form.elements.file.files.length) return;
  event.preventDefault();
  const far = form.querySelector("progress");
  far.hidden = false;
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("accept", "text/html");
  request.upload.onprogress = ({ loaded, total }) => (far.value = loaded / total);
  request.onload = () => {
    if (request.status === 200) return location.assign(`${request.responseURL}#${row.id}`);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const fresh = page.getElementById(row.id);
    if (fresh) row.replaceWith(fresh);
    else form.submit(); // the session is over, or the file is too long to be read at all: let the page say it
  };
  request.onerror = () => form.submit();
  request.send(new FormData(form));
});

// Enter sends a reply, Shift and Enter begins a new line.
document.querySelector("[data-composer] textarea")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const { form } = event.target;
  if (event.target.value.trim()) form.requestSubmit(form.querySelector("button"));
});

// What an SMS will cost is told while it is written.
let asking;
document.querySelector("[data-composer] textarea")?.addEventListener("input", (event) => {
  const cost = document.querySelector("[data-cost]");
  clearTimeout(asking);
  if (cost) asking = setTimeout(async () => {
    const answer = await fetch(`${cost.dataset.cost}?text=${encodeURIComponent(event.target.value)}`).catch(() => null);
    if (answer?.ok) cost.textContent = await answer.text();
  }, PAUSE_MS);
});

// Each side hears when the other writes: told at most every three seconds, and soon forgotten.
const talk = document.querySelector("[data-conversation]")?.dataset.conversation;
let told = 0;
document.querySelector("[data-composer] textarea")?.addEventListener("input", () => {
  if (!talk || Date.now() - told < 3000) return;
  told = Date.now();
  fetch(`/console/messages/${talk}/typing`, { method: "POST" }).catch(() => null);
});

let forgotten = 0;
function writes() {
  const line = document.querySelector("[data-typing]");
  line.textContent ||= "They are writing…";
  clearTimeout(forgotten);
  forgotten = setTimeout(() => (line.textContent = ""), 6000);
}

for (const code of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button quiet slim", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  });
  code.closest("pre").after(button);
}

// A part is busy while somebody types in it, or has opened something in it.
function busy(part) {
  const typing = part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  return typing || part.querySelector("details[open]");
}

function swap(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const inside = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const stay = part.matches(".transcript") && !near(part);
  const { scrollTop } = part;
  part.replaceChildren(...fresh.childNodes);
  if (part.matches(".transcript")) stay ? (part.scrollTop = scrollTop) : toEnd(part);
  if (inside) part.querySelector(`[href="${CSS.escape(inside)}"]`)?.focus();
}

const count = (root) => Number(root.querySelector('[data-count="orders"]')?.firstChild.textContent || 0);

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (count(page) > count(document)) announce.textContent = "A new order has come in.";
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh && !busy(part)) swap(part, fresh);
  }
  document.title = page.title;
}

// Notices come in bursts: one refresh at a time, a moment after the first, and once more for what
// came meanwhile.
let running = false;
let again = false;
async function notice() {
  again = true;
  if (running) return;
  running = true;
  while (again) {
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    again = false;
    await refresh();
  }
  running = false;
}

if (main?.dataset.live) {
  const live = new EventSource(`/console/live${talk ? `?conversation=${talk}` : ""}`);
  live.addEventListener("message", notice);
  live.addEventListener("typing", writes);
  main.addEventListener("focusout", notice); // what was held back while somebody typed
}
