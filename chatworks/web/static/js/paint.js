// One message as nodes: what stands in its bubble, and what is wider than one and stands below it.

import { carousel, contact, place, preview, slip, trade } from "./cards.js";
import { choices } from "./choices.js";
import { media } from "./files.js";
import { Sheet } from "./form.js";
import { element, styled } from "./nodes.js";

export const LOCATION = "__location";

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

// A message that wants a place offers to share it, even where nobody wrote a button for that.
function asked({ wanted, buttons = [] }, { texts }) {
  if (wanted !== "location" || buttons.some(({ id }) => id === LOCATION)) return [];
  return [{ id: LOCATION, label: texts.share_location }];
}

function words(text, marks) {
  const node = element("span", "words");
  node.append(...styled(text, marks));
  return node;
}

// What the person themself sent, as they see it: the page's event and the history's are one.
export function incoming(event, { texts }) {
  if (event.kind === "place") return `📍 ${texts.location}`;
  if (event.kind === "phone") return event.phone;
  if (event.kind === "command") return said(`/${event.text} ${event.arguments || ""}`.trim(), texts);
  return said(event.text || "", texts);
}

const said = (text, texts) => (text === "/start" ? texts.begin : text);

// What a message says in one line, where a notification has no room for more.
export function summary({ text, card, shows, media: files, cards }) {
  return text || card?.title || shows?.title || files?.[0]?.alt || cards?.[0]?.title || "…";
}
