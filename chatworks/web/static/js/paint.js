// One message as nodes: what stands in its bubble, and what is wider than one and stands below it.

import { carousel, contact, place, preview, slip, trade } from "./cards.js";
import { choices } from "./choices.js";
import { media } from "./files.js";
import { Sheet } from "./form.js";
import { button, element, icon, size, styled } from "./nodes.js";

export const LOCATION = "__location";
export const FILE = "__file";

// `ctx` is {language, texts, tap(seq, id, label), answer(seq, values, text)}.
export function outgoing({ seq, content }, ctx) {
  const tap = (id, label) => ctx.tap(seq, id, label);
  const inside = [
    ...media(content.media || [], ctx),
    content.card && slip(content.card),
    content.shows && trade(content.shows, ctx),
    content.place && place(content.place, ctx),
    content.contact && contact(content.contact, ctx),
    content.text && words(content.text, content.marks),
    content.link && preview(content.link),
  ];
  const below = [
    content.cards?.length && carousel(seq, content.cards, { ...ctx, tap }),
    content.form && new Sheet(seq, content.form, ctx, (values, text) => ctx.answer(seq, values, text)).node,
    choices(seq, { ...content, buttons: [...(content.buttons || []), ...asked(content, ctx)] }, tap),
  ];
  return { inside: inside.filter(Boolean), below: below.filter(Boolean) };
}

// A message that wants a place or a file offers to share it, even where nobody wrote a button.
function asked({ wanted, buttons = [] }, { texts, takesFiles }) {
  if (wanted === "file" && takesFiles) return [{ id: FILE, label: texts.choose_file }];
  if (wanted !== "location" || buttons.some(({ id }) => id === LOCATION)) return [];
  return [{ id: LOCATION, label: texts.share_location }];
}

function words(text, marks) {
  const node = element("span", "words");
  node.append(...styled(text, marks));
  return node;
}

// What the person themself sent, as they see it: the page's event and the history's are one.
// `arrived` is what the server knows of a file that it brought.
export function incoming(event, ctx, arrived) {
  const { texts } = ctx;
  if (event.kind === "file") return sentFile(event.file, arrived, ctx);
  if (event.kind === "place") return [`📍 ${texts.location}`];
  if (event.kind === "phone") return [event.phone];
  if (event.kind === "command") return [said(`/${event.text} ${event.arguments || ""}`.trim(), texts)];
  return [said(event.text || "", texts)];
}

function sentFile(file, arrived, ctx) {
  const here = arrived?.media || (file.path && file);
  if (here) return media([here], ctx);
  return [`📎 ${file.name || file.kind}`, arrived?.reason ? ` (${arrived.reason})` : ""];
}

// A file on its way up: its name, how far it is, and how to stop it.
export function rising({ name, size: bytes }, { language, texts }, cancel) {
  const box = element("div", "document upload");
  const words = element("span", "words");
  const bar = Object.assign(element("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", name);
  words.append(element("span", "title", name), element("span", "muted", size(bytes, language)), bar);
  const stop = button("stop", "", cancel);
  stop.append(icon("close", texts.cancel));
  box.append(icon("file"), words, stop);
  return box;
}

const said = (text, texts) => (text === "/start" ? texts.begin : text);

// What a message says in one line, where a notification has no room for more.
export function summary({ text, card, shows, media: files, cards }) {
  return text || card?.title || shows?.title || files?.[0]?.alt || cards?.[0]?.title || "…";
}
