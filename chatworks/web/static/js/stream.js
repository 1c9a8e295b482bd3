// Server-sent events by fetch: EventSource cannot carry the visitor's token in a header.

// Yields {name, data}; `hear` is called for every piece, heartbeats too.
export async function* events(body, hear) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    hear();
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const block of whole) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/, 2)));
      if (fields.data) yield { name: fields.event || "message", data: JSON.parse(fields.data) };
    }
  }
}
