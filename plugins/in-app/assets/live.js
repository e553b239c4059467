// SPDX-License-Identifier: Apache-2.0
// Hints of GET /stream, once for all tabs of a browser. Whoever holds the lock leads: it alone reads the stream, by
// fetch, because EventSource hides the status and gives up for good at the first answer that is not 200. The others
// hear from it over a channel. When the leader goes, the lock goes on to the next tab.
// Invariants: at most one stream is open for a name; every way out of lead() closes it; hints carry no content.
import { retryAfter } from './retry.js';

const SILENCE_MS = 70_000; // the hub sends a heartbeat every 25 s
const STEADY_MS = 10_000; // a stream that lived so long was a good one: the next failure starts from the shortest pause
const REFUSED_MS = 30_000; // after a refusal the pauses begin here; polling goes on meanwhile

// Reads server-sent events (WHATWG HTML, section 9.2.6) from pieces of text, cut anywhere. `retry` is ours to ignore.
export function eventParser(onEvent) {
  let rest = '', started = false, afterCr = false, data = [], name = '', id = '';

  function line(text) {
    if (text === '') {
      if (data.length) onEvent({ event: name || 'message', data: data.join('\n'), id });
      data = [];
      name = '';
      return;
    }
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') data.push(value);
    else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (piece) => {
    if (!piece) return;
    if (!started && piece[0] === '\uFEFF') piece = piece.slice(1);
    started = true;
    if (afterCr && piece[0] === '\n') piece = piece.slice(1);
    afterCr = piece === '' ? false : piece.endsWith('\r');
    const lines = (rest + piece).split(/\r\n|\r|\n/);
    rest = lines.pop();
    lines.forEach(line);
  };
}

// How long to wait before try number `attempt` (from 0): doubles, and is spread over its upper half, so that a hub
// that comes back is not met by all at once.
export function backoff(attempt, { base = 1000, max = 60_000, random = Math.random } = {}) {
  return Math.min(max, base * 2 ** Math.min(attempt, 20)) * (0.5 + random() / 2);
}

const pause = (ms, signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
});

// Reads one stream to its end. Gives back {status, bye, wait, lived}; status 0: there was no answer at all.
export async function readStream({ request, lastId, signal, onOpen, onEvent }) {
  const cut = new AbortController();
  const abort = () => cut.abort();
  signal.addEventListener('abort', abort, { once: true });
  const end = { status: 0, bye: false, wait: 0, lived: 0 };
  let dog, since;
  const watch = () => {
    clearTimeout(dog);
    dog = setTimeout(abort, SILENCE_MS);
  };
  try {
    watch();
    const response = await request(lastId, cut.signal);
    end.status = response.status;
    end.wait = retryAfter(response);
    if (response.status !== 200) {
      abort(); // whatever its body is, it is not read
      return end;
    }
    since = Date.now();
    onOpen();
    const parse = eventParser((event) => {
      if (event.event === 'bye') end.bye = true;
      else onEvent(event);
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      watch();
      parse(decoder.decode(value, { stream: true }));
      if (end.bye) {
        abort();
        break;
      }
    }
  } catch {
    // cut off, by us or by the network: what matters is in `end`
  } finally {
    clearTimeout(dog);
    signal.removeEventListener('abort', abort);
    if (since) end.lived = Date.now() - since;
  }
  return end;
}

// name: of lock and channel, which are one person's alone. request(lastId, signal) asks for the stream.
// onHint({rev, unread}, leading); onOpen(): `open` is another one: whether anybody's stream is open, so that polling is
// only a safety net; onEnd(): a stream was refused or said bye, so the count has to decide.
// start() and stop() may be called at any time and in any order; close() is the last.
export class Live {
  constructor({ name, request, onHint, onOpen, onEnd, locks = globalThis.navigator?.locks,
    Channel = globalThis.BroadcastChannel }) {
    Object.assign(this, { name, request, onHint, onOpen, onEnd, locks });
    this.open = false;
    this.leading = this.running = null; // leading: the signal of the lead() that does
    this.lastId = '';
    this.channel = Channel ? new Channel(name) : null;
    if (this.channel) this.channel.onmessage = ({ data }) => this.hear(data);
  }

  start() {
    if (this.running) return;
    this.running = new AbortController();
    const { signal } = this.running;
    this.tell({ hello: true });
    if (this.locks) this.locks.request(this.name, { signal }, () => this.lead(signal)).catch(() => {});
    else this.lead(signal);
  }

  stop() {
    this.running?.abort();
    this.running = null;
  }

  close() {
    this.stop();
    this.channel?.close();
    this.channel = null;
  }

  tell(message) {
    this.channel?.postMessage(message);
  }

  // From another tab, whose script may be an older or a newer one.
  hear(message) {
    const { hello, live, ended, hint } = Object(message);
    if (hello && this.leading) this.tell({ live: this.open });
    if (typeof live === 'boolean' && !this.leading) this.setOpen(live);
    if (ended) this.onEnd();
    this.pass(hint, false);
  }

  pass(hint, first) {
    if (Number.isInteger(hint?.rev)) this.onHint(hint, first);
  }

  setOpen(on) {
    if (this.open === on) return;
    this.open = on;
    if (this.leading) this.tell({ live: on });
    this.onOpen();
  }

  event({ event, data, id }) {
    if (id) this.lastId = id;
    if (event !== 'rev') return;
    let hint;
    try {
      hint = JSON.parse(data);
    } catch {
      return; // not ours to understand; the safety net of polling is below
    }
    this.tell({ hint });
    this.pass(hint, true);
  }

  // Holds the lock until it is told to stop.
  async lead(signal) {
    if (signal.aborted) return;
    this.leading = signal;
    this.open = true; // as the last leader may have left it with the others
    this.setOpen(false);
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const end = await readStream({
        request: this.request, lastId: this.lastId, signal,
        onOpen: () => this.setOpen(true), onEvent: (event) => this.event(event),
      });
      this.setOpen(false);
      if (signal.aborted) break;
      if (end.lived >= STEADY_MS) attempt = 0;
      const refused = end.status && end.status !== 200;
      if (end.bye) this.tell({ ended: true }); // the session or a role, of all tabs
      if (end.bye || refused) this.onEnd();
      await pause(Math.max(end.wait, backoff(attempt, refused ? { base: REFUSED_MS, max: 600_000 } : {})), signal);
    }
    if (this.leading === signal) this.leading = null; // without locks the next one may have begun
  }
}

// Stores of other scripts need not fetch it.
globalThis[Symbol.for('belfry.live')] ??= Live;
