/* ChatWorks: <script src="https://…/widget.js" data-outlet="majipro"></script> shows the chat on any page. */
(() => {
  const script = document.currentScript;
  const origin = new URL(script.src).origin;
  const { outlet, label = "Chat with us" } = script.dataset;
  if (!outlet || document.getElementById("chatworks-widget")) return;
  const small = () => innerWidth <= 480;
  const host = document.createElement("div");
  host.id = "chatworks-widget";
  const shadow = host.attachShadow({ mode: "open" });
  const button = document.createElement("button");
  const badge = document.createElement("span");
  const frame = document.createElement("iframe");
  const css = (node, rules) => Object.assign(node.style, rules);
  css(host, { position: "fixed", right: "0", bottom: "0", zIndex: "2147483000" });
  css(button, {
    position: "fixed", right: "20px", bottom: "20px", width: "60px", height: "60px", border: "0",
    borderRadius: "50%", cursor: "pointer", color: "#fff", background: script.dataset.color || "#0b5fa5",
    boxShadow: "0 6px 22px rgba(0,0,0,.25)", display: "grid", placeItems: "center",
  });
  css(badge, {
    position: "absolute", top: "-3px", right: "-3px", minWidth: "20px", height: "20px", padding: "0 5px",
    borderRadius: "10px", background: "#c62828", color: "#fff", font: "bold 12px/20px system-ui", display: "none",
    boxSizing: "border-box",
  });
  const place = () => css(frame, small()
    ? { inset: "0", width: "100vw", height: "100dvh", borderRadius: "0" }
    : { inset: "auto 20px 92px auto", width: "390px", height: "min(640px, calc(100vh - 120px))", borderRadius: "18px" });
  css(frame, { position: "fixed", border: "0", display: "none", background: "Canvas", colorScheme: "light dark", boxShadow: "0 12px 48px rgba(0,0,0,.28)" });
  const NS = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(NS, "svg");
  const path = document.createElementNS(NS, "path");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("width", "28");
  icon.setAttribute("aria-hidden", "true");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z");
  icon.append(path);
  button.append(icon, badge);
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-expanded", "false");
  frame.title = label;
  frame.allow = "geolocation";
  frame.referrerPolicy = "origin"; // the frame learns whom to speak to
  const tell = (what) => frame.contentWindow?.postMessage({ chatworks: what }, origin);
  let open = false;
  const load = () => {
    if (frame.src) return;
    frame.addEventListener("load", () => open && tell("opened"));
    frame.src = `${origin}/w/${encodeURIComponent(outlet)}`;
  };
  // Whoever talked here sees what is new on every page.
  const key = `chatworks:${outlet}`;
  const quietly = (what) => {
    try { return what(localStorage); } catch { return null; }
  };
  const show = (wanted) => {
    open = wanted;
    load();
    place();
    frame.style.display = open ? "block" : "none";
    button.style.display = open && small() ? "none" : "grid";
    button.setAttribute("aria-expanded", String(open));
    tell(open ? "opened" : "closed");
    if (!open) button.focus();
  };
  button.addEventListener("click", () => show(!open));
  addEventListener("keydown", (event) => event.key === "Escape" && open && show(false));
  addEventListener("resize", place);
  addEventListener("message", (event) => {
    if (event.origin !== origin || event.source !== frame.contentWindow) return;
    const { chatworks: said, count } = event.data || {};
    if (said === "close") show(false);
    if (said === "known") quietly((store) => store.setItem(key, "yes"));
    if (said === "unread") {
      badge.textContent = count;
      badge.style.display = count ? "block" : "none";
      button.setAttribute("aria-label", count ? `${label} (${count})` : label);
    }
  });
  shadow.append(frame, button);
  document.body.append(host);
  if (quietly((store) => store.getItem(key))) load();
})();
