// Choices to tap: a row of buttons, or a list in sections where they need more room. A menu's
// choices (ids with a colon) stay alive; all others are closed by the next answer.

import { button, element, picture } from "./nodes.js";

const UNDRAWN = "__phone"; // the keyboard is the nearer way here

// `tap` hears (id, label). Nothing where there is nothing to choose.
export function choices(seq, { buttons = [], sections = [] }, tap) {
  const parts = sections.length ? sections : [{ title: "", buttons }];
  const all = parts.flatMap((part) => part.buttons).filter(({ id }) => id !== UNDRAWN);
  if (!all.length) return null;
  const box = element("div", "choices");
  box.dataset.seq = seq;
  const priced = all.some(({ photo }) => photo);
  if (priced || sections.length || all.some(({ description }) => description)) box.classList.add("rich");
  for (const part of parts) {
    const into = sections.length ? section(part.title) : box;
    into.append(...part.buttons.filter(({ id }) => id !== UNDRAWN).map((one) => choice(one, priced, tap)));
    if (into !== box) box.append(into);
  }
  return box;
}

function section(title) {
  const group = element("div", "section");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", title);
  const heading = element("span", "title", title);
  heading.setAttribute("aria-hidden", "true"); // the group's label says it
  group.append(heading);
  return group;
}

function choice({ id, label, photo, description }, priced, tap) {
  const node = button("choice", "", () => tap(id, label));
  node.dataset.id = id;
  if (id.includes(":")) node.dataset.menu = "yes";
  const image = picture(photo);
  const [name, price] = priced ? label.split(" · ") : [label];
  const words = element("span", "label", name);
  if (image) node.append(image);
  node.append(words);
  if (description) words.append(" ", element("span", "more", description));
  if (price) node.append(" ", element("span", "price", price));
  return node;
}

// An answer closes what was asked before it; the choice that was tapped keeps its mark.
export function close(log, tap = "") {
  const dot = tap.indexOf(".");
  const [seq, id] = [tap.slice(0, dot), tap.slice(dot + 1)];
  for (const box of log.querySelectorAll(".choices:not(.closed)")) {
    box.classList.add("closed");
    for (const node of box.querySelectorAll(".choice:not([data-menu])")) {
      node.disabled = true;
      if (box.dataset.seq !== seq || node.dataset.id !== id) continue;
      node.classList.add("chosen");
      box.classList.add("answered");
    }
  }
}
