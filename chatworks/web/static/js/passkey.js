/* Makes passkeys and signs with them. A form with data-passkey ("create" or "get") holds the server's
   options as JSON in data-options, or fetches them from data-from; before it is sent it asks the
   browser, and puts the answer, as JSON, into its field data-answer. */

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const credentials = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function made(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: credentials(options.excludeCredentials),
    },
  });
  return answer(credential, {
    attestationObject: text(credential.response.attestationObject),
    transports: credential.response.getTransports?.() ?? [],
  });
}

async function signed(options) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: credentials(options.allowCredentials),
    },
  });
  const { authenticatorData, signature, userHandle } = credential.response;
  return answer(credential, {
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  });
}

function answer(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  });
}

async function asked(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const got = await fetch(form.dataset.from, { method: "POST" });
  if (!got.ok) throw new Error(`${got.status}`);
  const { ticket, options } = await got.json();
  form.querySelector("[data-ticket]").value = ticket;
  return options;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const field = form.querySelector("[data-answer]");
  const failed = form.querySelector("[data-failed]");
  form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    failed.hidden = true;
    try {
      const options = await asked(form);
      field.value = await (form.dataset.passkey === "create" ? made(options) : signed(options));
    } catch {
      failed.hidden = false;
      return;
    }
    form.requestSubmit();
  });
}
