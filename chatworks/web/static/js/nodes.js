// The smallest pieces that everything is drawn with. Text never becomes markup: it goes into text
// nodes, and what a piece of it looks like stands beside it.

export function element(name, className = "", text = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function button(className, text, press) {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", press);
  return node;
}

const NS = "http://www.w3.org/2000/svg";
const ICONS = {
  pin: "M12 21.5s7-6.3 7-11.6a7 7 0 0 0-14 0c0 5.3 7 11.6 7 11.6zM12 12.3a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2z",
  file: "M6 2.5h8l4.5 4.5v14.5H6zM14 2.5V7h4.5M9 12.5h6M9 16h6",
  save: "M12 3.5v11M7.5 10.5l4.5 4.5 4.5-4.5M4.5 20.5h15",
  person: "M12 12a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4zM4 20.5c.8-4 4-6 8-6s7.2 2 8 6",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  check: "M4.5 12.5l5 5 10-11",
  wait: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
  sent: "M5 12.5l4.5 4.5L19 7",
  read: "M1.5 12.5L6 17l9.5-10M11 15.5l1.5 1.5L22 7",
  warn: "M12 3.5 21.5 20h-19zM12 10v4.5M12 17.2v.3",
  link: "M9.5 14.5l5-5M11 6.5l2-2a4.6 4.6 0 0 1 6.5 6.5l-2 2M13 17.5l-2 2A4.6 4.6 0 0 1 4.5 13l2-2",
};

// A drawing of lines. With a label it says what it is; without one it is silent decoration.
export function icon(name, label = "") {
  const svg = document.createElementNS(NS, "svg");
  const path = document.createElementNS(NS, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${name}`);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  return svg;
}

// Pictures, files and players come from this installation alone.
export const ours = (path) => Boolean(path) && /^\/(?!\/)/.test(path) && !path.includes("\\");

export function picture(path, alt = "") {
  if (!ours(path)) return null;
  const image = element("img");
  image.src = path;
  image.alt = alt;
  image.decoding = "async";
  return image;
}

// An address that may be opened: of the web, and nothing that could run.
export const opens = (url) => /^https?:\/\//i.test(url || "");

export function outside(className, url, text = "") {
  const link = element("a", className, text);
  return Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
}

const LINK = /https?:\/\/[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;
const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };

// A text as nodes: its addresses as links, its marks (in code points) as styles, nested as needed.
export function styled(text, marks = []) {
  const spans = marks.length ? inUnits(text, marks) : [];
  const nodes = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const address = found.replace(/[.,;:!?)\]]+$/, "");
    const web = address.includes("://");
    const link = web ? outside("", address) : element("a");
    if (!web) link.href = `mailto:${address}`;
    const from = web ? index + address.indexOf("://") + 3 : index;
    link.append(...runs(text, spans, from, index + address.length));
    nodes.push(...runs(text, spans, done, index), link);
    done = index + address.length;
  }
  return [...nodes, ...runs(text, spans, done, text.length)];
}

// Marks count code points, as Python does; strings here count UTF-16 code units.
function inUnits(text, marks) {
  const starts = [];
  let unit = 0;
  for (const character of text) {
    starts.push(unit);
    unit += character.length;
  }
  const at = (point) => starts[point] ?? unit;
  return marks.map(({ style, start, end }) => ({ style, start: at(start), end: at(end) }));
}

function runs(text, spans, from, to) {
  const edges = new Set([from, to]);
  for (const { start, end } of spans) for (const edge of [start, end]) if (edge > from && edge < to) edges.add(edge);
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(1).map((end, i) => run(text.slice(sorted[i], end), spans.filter((s) => s.start < end && s.end > sorted[i])));
}

function run(text, spans) {
  let node = document.createTextNode(text);
  for (const [style, name] of Object.entries(STYLES)) {
    if (!spans.some((span) => span.style === style)) continue;
    const around = element(name);
    around.append(node);
    node = around;
  }
  return node;
}

export function clock(at, language) {
  const node = element("time", "", new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
  node.dateTime = at;
  return node;
}

export function day(at, language, today) {
  if (at.toDateString() === new Date().toDateString()) return today;
  return at.toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long" });
}

// An amount as people write it: whole units without decimals.
export function money({ minor, currency }, language) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency, trailingZeroDisplay: "stripIfInteger" });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

const UNITS = ["kilobyte", "megabyte", "gigabyte"];

export function size(bytes, language) {
  let step = 0;
  let amount = Math.max(1, bytes / 1000);
  while (amount >= 1000 && step < UNITS.length - 1) [amount, step] = [amount / 1000, step + 1];
  const maximumFractionDigits = amount < 10 && step > 0 ? 1 : 0;
  return amount.toLocaleString(language, { style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits });
}

// Fills {name}s: texts come with the page, in its language.
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
