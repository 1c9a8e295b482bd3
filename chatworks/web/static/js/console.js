// Keeps the console live: when the outlet changes, the page fetches itself and swaps its content,
// without touching a field that somebody is typing in.

const main = document.querySelector("main[data-live]");
const bottom = () => {
  const log = document.querySelector(".transcript");
  if (log) log.scrollTop = log.scrollHeight;
};
bottom();

async function refresh() {
  if (main.contains(document.activeElement) && document.activeElement.matches("input:not([data-keep] input), textarea, select")) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const typed = main.querySelector("[data-keep] input");
  const fresh = page.querySelector("main[data-live]");
  if (typed && fresh.querySelector("[data-keep]")) {
    main.querySelector(".transcript").replaceWith(fresh.querySelector(".transcript"));
  } else {
    main.replaceChildren(...fresh.childNodes);
  }
  document.querySelector(".side").replaceChildren(...page.querySelector(".side").childNodes);
  bottom();
}

if (main?.dataset.live) {
  let waiting = null;
  const source = new EventSource("/console/live");
  source.addEventListener("message", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 120);
  });
}
