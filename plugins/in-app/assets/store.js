// SPDX-License-Identifier: Apache-2.0
// What a page knows about one person's inbox: the one place that the title, the heading, the bell and the tile take
// their number from. It asks the count with its tag, hears hints, and applies what every answer to a write carries.
// Reading and writing rows is in calls.js, hearing hints in live.js, so that a bell that shows a number is small.
// Invariants: one store for a base and a credential in a document, closed with its last user; a number is never
// replaced by an older one; at most one count is under way; nothing is asked while the page is hidden.
import { retryAfter } from './retry.js';

const POLL_MS = 30_000;
const POLL_MAX_MS = 600_000;
const SAFETY = 10; // with an open stream polling is so many times slower
const HIDDEN_MS = 60_000;
const TIMEOUT_MS = 30_000;

// Why a request was in vain. status 0: there was no answer. `problem` is the hub's own account (RFC 9457).
export class Failure extends Error {
  constructor(status, problem = {}, wait = 0) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    Object.assign(this, { status, problem, wait });
  }
}

// What reads the stream: is in the scripts of this page, or is fetched from beside this one. The page is loaded by
// then, so whichever script has it has said so, and nothing that is looked at waits for it.
async function liveOf() {
  if (document.readyState !== 'complete')
    await new Promise((resolve) => { addEventListener('load', resolve, { once: true }); });
  return globalThis[Symbol.for('belfry.live')] ?? (await import(new URL('live.js', import.meta.url))).Live;
}

const visible = () => document.visibilityState !== 'hidden';

export class Store extends EventTarget {
  constructor({ base, token, fetch = globalThis.fetch.bind(globalThis), live = 'sse', ...parts }) {
    super();
    Object.assign(this, { base, token, fetch, live, parts });
    // tag: the count's entity tag, revision.configuration.person.hub; kind: all of it but the revision
    this.unread = this.unseen = this.rev = this.updatedAt = null;
    this.tag = this.kind = '';
    this.state = 'idle';
    this.interval = POLL_MS;
    this.users = this.failures = this.until = this.applied = 0; // applied: how many times numbers were taken over
  }

  // --- requests

  // Any answer at all; a Failure when there is none. A token that was refused is asked for once more.
  async ask(path, { method = 'GET', body, headers = {}, keepalive = false, signal } = {}) {
    let token;
    const send = async () => {
      token = await this.token?.(token);
      return this.fetch(this.base + path, {
        method, keepalive, signal: signal ?? AbortSignal.timeout(TIMEOUT_MS), cache: 'no-store',
        credentials: this.token ? 'omit' : 'include',
        headers: {
          accept: 'application/json', ...headers, ...(body ? { 'content-type': 'application/json' } : {}),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        body: body && JSON.stringify(body),
      });
    };
    let response;
    try {
      response = await send();
      if (response.status === 401 && this.token) response = await send();
    } catch (cause) {
      throw new Failure(0, { detail: String(cause) });
    }
    if (response.status === 401) this.setState('signed_out', 401);
    return response;
  }

  // The answer as JSON (null: 204 and 304); throws a Failure for 4xx and 5xx.
  async json(path, options) {
    const response = await this.ask(path, options);
    if (response.status === 204 || response.status === 304) return { response, data: null };
    const data = await response.json().catch(() => {});
    // what is no JSON, or breaks off, is no answer of the hub: the page of a proxy, a line that went dead
    if (!response.ok || !data) throw new Failure(response.ok ? 0 : response.status, data, retryAfter(response));
    return { response, data };
  }

  // --- numbers and state

  // failed: the status that led to it
  setState(state, failed) {
    if (state === this.state) return;
    const before = this.state;
    Object.assign(this, { state, failed });
    if (state === 'signed_out') this.stream?.stop();
    else if (before === 'signed_out') this.attend();
    this.dispatchEvent(new Event('state'));
  }

  apply({ rev, unread, unseen = this.unseen }) {
    if (this.rev === null || rev >= this.rev) this.take({ rev, unread, unseen });
  }

  // again: the same revision is another list
  take({ rev, unread, unseen }, again) {
    const moved = again || (this.rev !== null && rev !== this.rev);
    const counted = unread !== this.unread || unseen !== this.unseen;
    Object.assign(this, { rev, unread, unseen, updatedAt: Date.now() });
    this.applied += 1;
    if (counted) this.dispatchEvent(new Event('count'));
    if (moved) this.dispatchEvent(new CustomEvent('change', { detail: { rev, again } }));
  }

  // Asks for the numbers, and settles the state. Never throws.
  count() {
    return this.counting ??= this.countOnce().finally(() => {
      this.counting = null;
      this.schedule();
    });
  }

  async countOnce() {
    const before = this.applied;
    try {
      const { response, data } = await this.json('/notifications/count', { headers: { 'if-none-match': this.tag } });
      this.interval = response.headers.get('poll-interval') * 1000 || POLL_MS;
      this.failures = 0;
      this.updatedAt = Date.now();
      if (data) {
        const tag = response.headers.get('etag') ?? '';
        // another role, another configuration: another list, whatever its revision
        const kind = tag.slice(tag.indexOf('.'));
        const again = this.kind && kind !== this.kind;
        Object.assign(this, { tag, kind });
        // nothing was applied since it was asked: it is the newest there is, even with a lower revision (a restore)
        if (before === this.applied || data.rev >= this.rev) this.take(data, again);
      }
      this.listen();
      this.setState('ok');
    } catch (failure) {
      this.failures += 1;
      this.wait = failure.wait ?? 0;
      this.until = Date.now() + this.wait; // the hub wants peace
      this.setState(stateOf(failure.status), failure.status);
    }
  }

  // --- polling and live hints

  schedule() {
    clearTimeout(this.timer);
    if (!this.users || !visible() || this.state === 'signed_out' || this.live === 'off') return;
    const slow = this.failures ? 2 ** this.failures : this.stream?.open ? SAFETY : 1;
    const due = Math.min(this.interval * slow, POLL_MAX_MS) * (0.8 + Math.random() * 0.4);
    this.timer = setTimeout(() => this.count(), Math.max(due, this.until - Date.now()));
  }

  // The third part of a tag stands for the person, their roles and language: only tabs that are told the same share a
  // stream and what it says. So it begins with the first count, and again when the count is somebody else's.
  async listen() {
    const name = `belfry ${this.base} ${this.kind.split('.')[2]}`;
    if (this.live !== 'sse' || !this.kind || name === this.name) return;
    this.stream?.close();
    this.stream = null;
    this.name = name;
    const Live = await liveOf().catch(() => null);
    if (!Live) this.name = null; // polling goes on, and tries again
    if (!this.users || name !== this.name) return;
    this.stream = new Live({
      name,
      request: (lastId, signal) => this.ask('/stream', {
        signal, headers: { accept: 'text/event-stream', 'last-event-id': lastId },
      }),
      onHint: (hint, first) => this.hint(hint, first),
      onOpen: () => this.schedule(),
      onEnd: () => visible() && this.count(),
      ...this.parts,
    });
    this.attend();
  }

  // The leader asks for the whole count too, for all: a hint does not say how many are unseen. A number that moved
  // without its revision is that of another list, a configuration's: there each asks, as where the hub seemed away.
  async hint(hint, first) {
    const asks = this.failures || (hint.rev === this.rev ? hint.unread !== this.unread : first);
    this.apply(hint);
    if (!asks) return;
    await this.count();
    if (first) this.stream?.tell({ hint: { rev: this.rev, unread: this.unread, unseen: this.unseen } });
  }

  // Whether the page is looked at decides what is asked and held open.
  attend() {
    clearTimeout(this.hiding);
    if (visible()) {
      if (this.state !== 'signed_out') this.stream?.start();
      this.schedule();
      return;
    }
    clearTimeout(this.timer);
    this.flushSeen?.();
    // without locks every tab has a stream of its own: hidden ones give theirs up at once
    this.hiding = setTimeout(() => this.stream?.stop(), this.stream?.locks ? HIDDEN_MS : 0);
  }

  // The liveliest user decides: sse, poll, off.
  open(live = this.live) {
    this.users += 1;
    if (this.live !== 'sse' && live !== 'off') this.live = live;
    if (this.users > 1) {
      this.listen();
      this.schedule();
      return this;
    }
    const wake = (event) => {
      if (event.type === 'pageshow' && !event.persisted) return; // the first time
      this.attend();
      if (visible()) this.count();
    };
    this.ends = new AbortController();
    const on = (target, name, then) => target.addEventListener(name, then, this.ends);
    on(document, 'visibilitychange', wake);
    on(globalThis, 'online', wake);
    on(globalThis, 'pageshow', wake);
    on(globalThis, 'pagehide', () => {
      this.flushSeen?.();
      this.stream?.stop();
    });
    if (visible()) this.count();
    return this;
  }

  // One user less; with the last one everything ends.
  close() {
    this.users -= 1;
    if (this.users > 0) return;
    this.flushSeen?.();
    clearTimeout(this.timer);
    clearTimeout(this.hiding);
    this.stream?.close();
    this.stream = null;
    this.ends.abort();
    this.onClosed();
  }
}

export function stateOf(status) {
  if (status === 0) return 'offline';
  if (status === 401 || status === 403) return 'signed_out';
  return status === 429 ? 'limited' : 'failing';
}

// The store of this base and credential, shared by all that ask; each of them calls close() when it goes.
// token: none (the session's cookie), or a function that gives one: it is called with the last one when that was
// refused.
export function connect({ base, token, ...options }) {
  const stores = (globalThis[Symbol.for('belfry.stores')] ??= new Map());
  const url = new URL(base, document.baseURI).href.replace(/\/$/, '');
  const ofBase = stores.get(url) ?? new Map();
  stores.set(url, ofBase);
  let store = ofBase.get(token);
  if (!store) {
    store = new Store({ base: url, token, ...options });
    store.onClosed = () => ofBase.delete(token);
    ofBase.set(token, store);
  }
  return store.open(options.live);
}

// For scripts that are files of their own.
globalThis[Symbol.for('belfry.connect')] ??= connect;
