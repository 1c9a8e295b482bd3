// Files that are not sent yet, kept by the browser itself over reloads. Where it keeps none for us
// (a framed page, a private window) they last as long as the page.

const NAME = "chatworks";
const STORE = "uploads";

function open() {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
}

async function ask(mode, what) {
  try {
    const db = await open();
    return await new Promise((done, fail) => {
      const asked = what(db.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => fail(asked.error);
    }).finally(() => db.close());
  } catch {
    return null;
  }
}

export const keep = (item) => ask("readwrite", (store) => store.put(item));
export const drop = (id) => ask("readwrite", (store) => store.delete(id));
export const kept = async (slug) => ((await ask("readonly", (store) => store.getAll())) || []).filter((item) => item.slug === slug);
