// Cards: what is sold and owed, a place, a person, a link, and cards side by side. Each takes
// (what it shows, {language, texts}) and returns a node.

import { choices } from "./choices.js";
import { button, clock, element, fill, icon, money, opens, outside, picture } from "./nodes.js";

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
  for (const { label, value } of card.lines || []) box.append(row(label, value));
  if (card.footer) box.append(element("span", "foot", card.footer));
  return box;
}

function row(label, value, more = "") {
  const node = element("div", `row ${more}`.trim());
  node.append(element("span", "", label), element("span", "", value));
  return node;
}

// -- trade --------------------------------------------------------------------------------------

function items(box, { items: all, fees = [], total }, { language, texts }) {
  for (const { title, count, total: cost } of [...all, ...fees]) {
    box.append(row(count === 1 ? title : `${count} × ${title}`, money(cost, language)));
  }
  box.append(row(texts.total, money(total, language), "total"));
  return box;
}

const TRADE = {
  product(shown, { language, texts }) {
    const box = slip({ title: shown.title, photo: shown.photo });
    box.append(element("span", "price", money(shown.price, language)));
    if (shown.description) box.append(element("span", "muted", shown.description));
    if (shown.stock === 0) box.append(element("span", "badge bad", texts.sold_out));
    else if (shown.stock) box.append(element("span", "badge few", fill(texts.left, { count: shown.stock })));
    return box;
  },
  cart: (shown, ctx) => items(slip({ title: ctx.texts.cart }), shown, ctx),
  order(shown, ctx) {
    const box = slip({ title: fill(ctx.texts.order, { number: shown.number }) });
    box.append(element("span", "badge brand", shown.status));
    items(box, shown, ctx);
    if (shown.deliver_to) {
      const to = element("span", "line");
      to.append(icon("pin"), element("span", "", shown.deliver_to));
      box.append(to);
    }
    return box;
  },
  invoice(shown, ctx) {
    const number = fill(ctx.texts.invoice, { number: shown.number });
    const box = slip({ title: shown.title, subtitle: number, photo: shown.photo });
    if (shown.description) box.append(element("span", "muted", shown.description));
    items(box, shown, ctx);
    if (opens(shown.pay_url)) box.append(outside("button", shown.pay_url, fill(ctx.texts.pay, { total: money(shown.total, ctx.language) })));
    return box;
  },
  receipt(shown, ctx) {
    const box = slip({ title: fill(ctx.texts.receipt, { number: shown.number }) });
    const day = new Date(shown.paid_at).toLocaleDateString(ctx.language, { day: "numeric", month: "long", year: "numeric" });
    const paid = element("span", "line paid");
    const when = element("span", "", `${day}, `);
    when.append(clock(shown.paid_at, ctx.language), shown.paid_with ? ` · ${shown.paid_with}` : "");
    paid.append(icon("check", ctx.texts.paid), when);
    box.append(paid);
    return items(box, shown, ctx);
  },
};

export const trade = (shown, ctx) => TRADE[shown.type]?.(shown, ctx);

// -- a place, a person, a link ------------------------------------------------------------------

// No map of somebody else's host: the address, the coordinates, and the phone's own map program.
export function place({ latitude, longitude, address }, { texts }) {
  const box = element("div", "place");
  const known = Number.isFinite(latitude) && Number.isFinite(longitude);
  if (known) {
    const map = element("div", "map");
    map.append(icon("pin"));
    box.append(map);
  }
  if (address) box.append(element("span", "title", address));
  if (!known) return box;
  const at = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;
  box.append(element("span", "muted", at));
  const open = element("a", "button quiet slim", texts.open_map);
  open.href = `geo:${latitude},${longitude}?q=${encodeURIComponent(`${latitude},${longitude}${address ? `(${address})` : ""}`)}`;
  box.append(open);
  return box;
}

export function contact(card, { texts }) {
  const box = element("div", "contact");
  const face = element("span", "face");
  face.append(icon("person"));
  const words = element("div", "words");
  words.append(element("span", "title", card.name));
  if (card.organisation) words.append(element("span", "muted", card.organisation));
  for (const [scheme, value] of [["tel", card.phone], ["mailto", card.email]]) {
    if (value) words.append(Object.assign(element("a", "", value), { href: `${scheme}:${value}` }));
  }
  const save = button("button quiet slim", texts.save_contact, () => saveCard(card));
  save.prepend(icon("save"));
  box.append(face, words, save);
  return box;
}

// RFC 6350: commas, semicolons, backslashes and ends of lines are escaped.
function saveCard({ name, phone, email, organisation }) {
  const safe = (text) => text.replace(/[\\,;]/g, "\\$&").replace(/\r?\n/g, "\\n");
  const lines = ["BEGIN:VCARD", "VERSION:4.0", `FN:${safe(name)}`];
  if (organisation) lines.push(`ORG:${safe(organisation)}`);
  if (phone) lines.push(`TEL;VALUE=uri:tel:${safe(phone)}`);
  if (email) lines.push(`EMAIL:${safe(email)}`);
  const url = URL.createObjectURL(new Blob([[...lines, "END:VCARD", ""].join("\r\n")], { type: "text/vcard" }));
  Object.assign(element("a"), { href: url, download: `${name.replace(/[\\/:]/g, " ") || "contact"}.vcf` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function preview({ url, title, text, photo, label }) {
  if (!opens(url)) return null;
  const box = outside("preview", url);
  const image = picture(photo);
  if (image) box.append(image);
  if (title) box.append(element("span", "title", title));
  if (text) box.append(element("span", "muted", text));
  const host = element("span", "host");
  host.append(icon("link"), new URL(url).host);
  box.append(host);
  if (label) box.append(element("span", "open", label));
  return box;
}

// -- side by side -------------------------------------------------------------------------------

// Cards snap side by side; arrow keys go from one to the next, and so do two buttons at a desk.
export function carousel(seq, cards, ctx) {
  const box = element("div", "carousel");
  const track = element("ul", "track");
  track.tabIndex = 0;
  track.setAttribute("aria-label", fill(ctx.texts.cards, { count: cards.length }));
  for (const card of cards) {
    const item = element("li", "tile");
    item.append(slip(card));
    const offered = choices(seq, card, ctx.tap);
    if (offered) item.append(offered);
    track.append(item);
  }
  const step = (way) => track.scrollBy({ left: way * (track.firstChild.offsetWidth + 10) });
  track.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    step(way);
  });
  const [back, next] = [button("step back", "", () => step(-1)), button("step next", "", () => step(1))];
  back.append(icon("back", ctx.texts.back));
  next.append(icon("next", ctx.texts.next));
  const ends = () => {
    back.disabled = track.scrollLeft < 4;
    next.disabled = track.scrollLeft + track.clientWidth > track.scrollWidth - 4;
  };
  track.addEventListener("scroll", ends);
  new ResizeObserver(ends).observe(track);
  box.append(track, back, next);
  return box;
}
