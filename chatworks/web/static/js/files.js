// Files that are shown: pictures (one, or several as an album) that open large, players, documents.

import { button, element, icon, ours, picture, size } from "./nodes.js";

// Several files of a message: pictures stand together, everything else below each other.
export function media(list, ctx) {
  const safe = list.filter(({ path }) => ours(path));
  const pictures = safe.filter(({ kind }) => kind === "image");
  const nodes = safe.filter(({ kind }) => kind !== "image").map((file) => DRAWN[file.kind](file, ctx));
  return pictures.length ? [album(pictures, ctx), ...nodes] : nodes;
}

function album(pictures, { texts }) {
  const box = element("div", `album ${pictures.length > 1 ? "several" : ""}`.trim());
  for (const file of pictures) {
    const open = button("thumb", "", () => view(pictures, pictures.indexOf(file), texts));
    const alt = file.alt || file.name || texts.picture;
    open.setAttribute("aria-label", `${texts.enlarge}: ${alt}`);
    open.append(picture(file.path, alt));
    box.append(open);
  }
  return box;
}

function player(name) {
  return (file) => {
    const node = element(name, "player");
    Object.assign(node, { controls: true, preload: "metadata", src: file.path });
    node.setAttribute("aria-label", file.alt || file.name || name);
    if (name === "video") node.playsInline = true;
    return node;
  };
}

function document_(file, { language }) {
  const link = element("a", "document");
  Object.assign(link, { href: file.path, download: file.name || "" });
  const words = element("span", "words");
  words.append(element("span", "title", file.name || file.media_type));
  if (file.size_bytes) words.append(" ", element("span", "muted", size(file.size_bytes, language)));
  link.append(icon("file"), words, icon("save"));
  return link;
}

const DRAWN = { video: player("video"), audio: player("audio"), document: document_ };

// -- a large picture ----------------------------------------------------------------------------

// A dialog: Escape and a click beside the picture close it, arrow keys leaf, focus goes back.
function view(pictures, first, texts) {
  const dialog = element("dialog", "viewer");
  const image = element("img");
  const words = element("p", "caption");
  let at = first;
  const show = (index) => {
    at = (index + pictures.length) % pictures.length;
    const { path, alt, name } = pictures[at];
    Object.assign(image, { src: path, alt: alt || name || texts.picture });
    words.textContent = [alt, pictures.length > 1 ? `${at + 1} / ${pictures.length}` : ""].filter(Boolean).join(" · ");
  };
  const shut = button("shut", "", () => dialog.close());
  shut.append(icon("close", texts.close));
  dialog.setAttribute("aria-label", texts.picture);
  dialog.append(image, words, shut);
  if (pictures.length > 1) {
    const [back, next] = [button("step back", "", () => show(at - 1)), button("step next", "", () => show(at + 1))];
    back.append(icon("back", texts.back));
    next.append(icon("next", texts.next));
    dialog.append(back, next);
    dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") show(at - 1);
      if (key === "ArrowRight") show(at + 1);
    });
  }
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show(first);
  dialog.showModal();
}
