// The link to lastcall: requests that carry the key, and the stream of events.

const name = "lastcall-key"; // sessionStorage is of one origin, port included, and of one tab

// takeKey takes the key out of the address, so that it is in no history and no picture
// of the screen.
export function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  sessionStorage.setItem(name, key);
  history.replaceState(null, "", "/");
}

// ask is fetch with the key.
export function ask(path, options = {}) {
  return fetch(path, { ...options, headers: { "X-Lastcall-Key": sessionStorage.getItem(name) ?? "" } });
}

// follow reads a stream of server-sent events for ever. It hands the data of each event to
// the function of told that has the event's name. EventSource would do that, but sends no
// header. When the stream ends, it asks again after a second, unless it was refused.
export async function follow(path, told, { opened, lost }) {
  for (;;) {
    const answer = await ask(path).catch(() => null);
    if (answer?.status === 403) return lost(true);
    if (answer?.ok) {
      opened();
      await read(answer.body, told).catch(() => {}); // it broke off: as if it had ended
    }
    lost(false);
    await new Promise((done) => setTimeout(done, 1000));
  }
}

async function read(body, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop(); // the last has not ended yet
    for (const event of events) {
      const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/, 2)));
      try {
        told[fields.event]?.(JSON.parse(fields.data));
      } catch (e) {
        console.error(e); // one event that cannot be shown ends no stream
      }
    }
  }
}
