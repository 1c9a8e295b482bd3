// Draws what is said as DOM nodes. Text never becomes markup: links are found in it and made.

export function element(name, className = "", text = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

const LINK = /https?:\/\/[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;

// The text as nodes, its addresses as links. Punctuation at an address's end belongs to the text.
export function linked(text) {
  const nodes = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const address = found.replace(/[.,;:!?)\]]+$/, "");
    const link = element("a", "", address.replace(/^https?:\/\//, ""));
    link.href = address.includes("://") ? address : `mailto:${address}`;
    if (address.includes("://")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
    nodes.push(text.slice(done, index), link);
    done = index + address.length;
  }
  return [...nodes, text.slice(done)].filter((node) => node !== "");
}

// Pictures come from this installation alone.
export function picture(path) {
  if (!path || !/^\/(?!\/)/.test(path)) return null;
  const image = element("img");
  image.src = path;
  image.alt = "";
  return image;
}

export function slip(card) {
  const box = element("div", "slip");
  const image = picture(card.photo);
  if (image) {
    const frame = element("div", "photo");
    frame.append(image);
    box.append(frame);
  }
  box.append(element("span", "title", card.title));
  if (card.subtitle) box.append(element("span", "muted", card.subtitle));
  for (const { label, value } of card.lines || []) {
    const row = element("div", "row");
    row.append(element("span", "", label), element("span", "", value));
    box.append(row);
  }
  if (card.footer) box.append(element("span", "foot", card.footer));
  return box;
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

// One row of buttons, for one question. `tap` hears (id, label). Menus (ids with a colon) stay alive.
export function choices(seq, buttons, tap) {
  const row = element("div", "choices");
  row.dataset.seq = seq;
  for (const { id, label, photo } of buttons) {
    if (id === "__phone") continue; // the keyboard is the nearer way here
    const button = element("button");
    button.type = "button";
    button.dataset.id = id;
    if (id.includes(":")) button.dataset.menu = "yes";
    const image = picture(photo);
    if (image) {
      row.classList.add("rich");
      const [name, price] = label.split(" · ");
      button.append(image, element("span", "label", name));
      if (price) button.append(" ", element("span", "price", price));
    } else button.textContent = label;
    button.addEventListener("click", () => tap(id, label));
    row.append(button);
  }
  return row.childElementCount ? row : null;
}
