// SPDX-License-Identifier: Apache-2.0
// Live hints without a browser: the grammar of server-sent events, pauses, who leads, and what the store makes of it.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { backoff, eventParser, Live, readStream } from '../../plugins/in-app/assets/live.js';
import { connect } from '../../plugins/in-app/assets/store.js';
import { equip, queryOf } from '../../plugins/in-app/assets/calls.js';

// --- server-sent events

const GRAMMAR = [
  ['a hint', 'event: rev\nid: 7\ndata: {"rev":7}\n\n', [['rev', '{"rev":7}', '7']]],
  ['lines end in CR LF', 'event: rev\r\nid: 7\r\ndata: x\r\n\r\n', [['rev', 'x', '7']]],
  ['lines end in CR', 'data: x\r\rdata: y\r\r', [['message', 'x', ''], ['message', 'y', '']]],
  ['comments and heartbeats say nothing', ':hb\n\n: more\n\ndata: x\n\n:hb\n\n', [['message', 'x', '']]],
  ['data on several lines', 'data: a\ndata:\ndata:b\n\n', [['message', 'a\n\nb', '']]],
  ['only one space belongs to the colon', 'data:  x\n\n', [['message', ' x', '']]],
  ['a field without a colon', 'data\nevent\n\n', [['message', '', '']]],
  ['an event without data is none, but its id counts', 'id: 3\nevent: rev\n\ndata: x\n\n', [['message', 'x', '3']]],
  ['an id stays until another comes', 'id: 3\ndata: x\n\ndata: y\n\n', [['message', 'x', '3'], ['message', 'y', '3']]],
  ['an empty id is one', 'id: 3\ndata: x\n\nid\ndata: y\n\n', [['message', 'x', '3'], ['message', 'y', '']]],
  ['an id with a NUL is ignored', 'id: 3\ndata: x\n\nid: 4\0\ndata: y\n\n', [['message', 'x', '3'], ['message', 'y', '3']]],
  ['retry and unknown fields', 'retry: 5000\nfoo: bar\ndata: x\n\n', [['message', 'x', '']]],
  ['a byte order mark at the start', '\uFEFFdata: x\n\n', [['message', 'x', '']]],
  ['what does not end was not sent', 'data: x\n\ndata: y\n', [['message', 'x', '']]],
];
for (const [what, text, wanted] of GRAMMAR)
  test(`server-sent events: ${what}`, () => {
    // in one piece, byte by byte, and cut at every place
    const cuts = [[text], [...text], ...[...text].map((_, at) => [text.slice(0, at), text.slice(at)])];
    for (const pieces of cuts) {
      const got = [];
      const push = eventParser(({ event, data, id }) => got.push([event, data, id]));
      pieces.forEach(push);
      assert.deepEqual(got, wanted, JSON.stringify(pieces));
    }
  });

test('pauses double to a minute and are spread over their upper half', () => {
  for (const [attempt, most] of [[0, 1000], [1, 2000], [3, 8000], [6, 60_000], [5000, 60_000]]) {
    assert.equal(backoff(attempt, { random: () => 1 }), most);
    assert.equal(backoff(attempt, { random: () => 0 }), most / 2);
  }
});

// --- a hub, locks and channels that can be looked into

class Channel {
  static all = new Set();
  constructor(name) {
    this.name = name;
    Channel.all.add(this);
  }
  postMessage(data) {
    for (const other of Channel.all) if (other !== this && other.name === this.name) other.onmessage?.({ data });
  }
  close() {
    Channel.all.delete(this);
  }
}

// One holder of a name at a time, in the order they asked.
function makeLocks() {
  const queues = new Map();
  const next = async (queue) => {
    if (!queue.length || queue[0].held) return;
    const first = queue[0];
    first.held = true;
    await first.work();
    queue.shift();
    next(queue);
  };
  return {
    request: (name, { signal }, work) => new Promise((resolve, reject) => {
      if (!queues.has(name)) queues.set(name, []);
      const queue = queues.get(name);
      const entry = { held: false, work: async () => resolve(await work()) };
      signal.addEventListener('abort', () => {
        if (entry.held) return;
        queue.splice(queue.indexOf(entry), 1);
        reject(signal.reason);
      });
      queue.push(entry);
      next(queue);
    }),
  };
}

class Stream {
  constructor(signal) {
    this.body = new ReadableStream({ start: (controller) => { this.controller = controller; } });
    this.open = true;
    signal.addEventListener('abort', () => this.drop());
  }
  say(text) {
    this.controller.enqueue(new TextEncoder().encode(text));
  }
  drop() {
    if (!this.open) return;
    this.open = false;
    this.controller.error(new Error('cut'));
  }
}

class FakeHub {
  constructor() {
    this.calls = [];
    this.streams = [];
    this.numbers = { unread: 3, unseen: 3, rev: 10 };
    this.status = {}; // path -> status
    this.person = 'ann'; // whose cookie it is
    this.fetch = this.fetch.bind(this);
  }

  async fetch(url, options) {
    const path = new URL(url).pathname.replace('/v1/acme', '');
    this.calls.push({ path, ...options, body: options.body && JSON.parse(options.body) });
    const status = this.status[path];
    if (status === 0) throw new TypeError('no network');
    if (status) {
      const headers = { 'retry-after': this.after ?? '' };
      return new Response('{"title":"no"}', { status, headers });
    }
    if (typeof this.page === 'string') return new Response(this.page, { headers: { 'content-type': 'text/html' } });
    if (path === '/stream') {
      const stream = new Stream(options.signal);
      this.streams.push(stream);
      return new Response(stream.body, { headers: { 'content-type': 'text/event-stream' } });
    }
    if (path === '/notifications/count') {
      const person = options.headers.authorization?.split(' ')[1] ?? this.person;
      const etag = `"${this.numbers.rev}.1.${person}-${this.role ?? 1}.0"`;
      const headers = { etag, 'poll-interval': '30' };
      if (options.headers['if-none-match'] === etag) return new Response(null, { status: 304, headers });
      return new Response(JSON.stringify(this.numbers), { headers });
    }
    if (path === '/notifications/seen') return new Response(null, { status: 204 });
    return new Response(JSON.stringify({ rev: this.numbers.rev, unread: this.numbers.unread }));
  }

  of(path) {
    return this.calls.filter((call) => call.path === path);
  }

  live() {
    return this.streams.filter((stream) => stream.open);
  }
}

const settle = async () => { for (let i = 0; i < 30; i += 1) await turn(); };
const pass = async (ms) => {
  mock.timers.tick(ms);
  await settle();
};

let hub, locks, stores, page;
beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  hub = new FakeHub();
  locks = makeLocks();
  stores = [];
  page = Object.assign(new EventTarget(), { visibilityState: 'visible', readyState: 'complete' });
  globalThis.document = page;
  globalThis.addEventListener = page.addEventListener.bind(page);
});
afterEach(async () => {
  for (const store of stores) store.close();
  await settle();
  assert.equal(hub.live().length, 0, 'no stream outlives its store');
  mock.timers.reset();
  Channel.all.clear();
  delete globalThis.document;
  delete globalThis.addEventListener;
});

// A tab: the registry of stores belongs to a document, so each has its own
function tab(options = {}) {
  globalThis[Symbol.for('belfry.stores')] = new Map();
  const store = equip(connect({ base: 'http://hub.test/v1/acme', fetch: hub.fetch, locks, Channel, ...options }));
  stores.push(store);
  store.heard = [];
  for (const name of ['count', 'change', 'state'])
    store.addEventListener(name, ({ detail }) => store.heard.push([name, detail?.rev ?? store[name === 'state' ? 'state' : 'unread']]));
  return store;
}
function look(state) {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
  return settle();
}

test('users of one document share a store, its stream and its number, until the last goes', async () => {
  const first = tab({ live: 'sse' });
  const second = connect({ base: 'http://hub.test/v1/acme/', fetch: hub.fetch });
  assert.equal(second, first);
  await settle();
  assert.equal(hub.live().length, 1);
  assert.equal(hub.of('/notifications/count').length, 1);
  second.close();
  await settle();
  assert.equal(hub.live().length, 1);
  const other = connect({ base: 'http://hub.test/v1/acme', token: () => 'a.b.c', fetch: hub.fetch, live: 'off', Channel });
  assert.notEqual(other, first, 'another credential is another person');
  other.close();
});

test('seven tabs have one stream, and all of them have the number', async () => {
  const tabs = Array.from({ length: 7 }, () => tab());
  await settle();
  assert.equal(hub.streams.length, 1);
  hub.numbers = { unread: 4, unseen: 4, rev: 11 };
  hub.streams[0].say('event: rev\nid: 11\ndata: {"rev":11,"unread":4}\n\n');
  await settle();
  assert.deepEqual(tabs.map(({ unread, unseen, rev }) => [unread, unseen, rev]), tabs.map(() => [4, 4, 11]));
  assert.ok(tabs.every(({ heard }) => heard.filter(([name]) => name === 'change').length === 1));
});

test('when the leader closes another tab takes over, with the last id', async () => {
  const [first, second] = [tab(), tab()];
  await settle();
  hub.streams[0].say('event: rev\nid: 11\ndata: {"rev":11,"unread":4}\n\n');
  await settle();
  first.close();
  stores.shift();
  await settle();
  assert.equal(hub.streams.length, 2);
  assert.equal(hub.live().length, 1);
  hub.streams[1].say('id: 12\nevent: rev\ndata: {"rev":12,"unread":5}\n\n');
  await settle();
  assert.equal(second.unread, 5);
  hub.streams[1].drop();
  await settle();
  await pass(1000);
  assert.equal(hub.of('/stream').at(-1).headers['last-event-id'], '12');
});

test('a stream that breaks is opened again after growing pauses, none of which is shorter than half a second', async () => {
  const store = tab();
  await settle();
  hub.streams[0].drop();
  await settle();
  assert.equal(hub.streams.length, 1);
  await pass(499);
  assert.equal(hub.streams.length, 1);
  await pass(501);
  assert.equal(hub.streams.length, 2);
  hub.status['/stream'] = 0;
  hub.streams[1].drop();
  await settle();
  for (let i = 0; i < 12; i += 1) await pass(60_000);
  const tries = hub.of('/stream').length;
  assert.ok(tries >= 14 && tries <= 22, `${tries} tries in 12 minutes`);
  hub.status = {};
  await pass(60_000);
  assert.equal(hub.live().length, 1);
  assert.equal(store.state, 'ok');
});

test('a hub that says nothing for 70 seconds is left', async () => {
  tab();
  await settle();
  for (let i = 0; i < 3; i += 1) {
    await pass(25_000);
    hub.streams[0].say(':hb\n\n');
    await settle();
  }
  assert.equal(hub.live().length, 1);
  await pass(70_000);
  assert.equal(hub.streams[0].open, false);
});

for (const status of [204, 403, 429, 502, 503])
  test(`a stream that is refused with ${status} leaves polling, and is tried again later`, async () => {
    hub.status['/stream'] = status;
    const store = tab();
    await settle();
    assert.equal(store.stream.open, false);
    const before = hub.of('/notifications/count').length;
    hub.numbers = { unread: 9, unseen: 9, rev: 12 };
    await pass(36_000);
    assert.ok(hub.of('/notifications/count').length > before);
    assert.equal(store.unread, 9);
    hub.status = {};
    await pass(36_000);
    await pass(36_000);
    assert.equal(hub.live().length, 1);
  });

test('a hub that names a time for the stream is left alone until then', async () => {
  hub.status['/stream'] = 503;
  hub.after = '900';
  tab();
  await settle();
  hub.status = {};
  for (let i = 0; i < 29; i += 1) await pass(30_000);
  assert.equal(hub.of('/stream').length, 1);
  await pass(30_000);
  assert.equal(hub.live().length, 1);
});

test('a page that is left closes its stream, and has it again when it comes back as it was', async () => {
  tab();
  await settle();
  const say = async (type, persisted) => {
    page.dispatchEvent(Object.assign(new Event(type), { persisted }));
    await settle();
  };
  const calls = hub.calls.length;
  await say('pageshow', false); // the first time
  assert.equal(hub.calls.length, calls);
  await say('pagehide', true);
  assert.equal(hub.live().length, 0);
  await say('pageshow', true);
  assert.equal(hub.live().length, 1);
  assert.equal(hub.calls.length, calls + 2, 'the stream and the count');
  hub.numbers = { unread: 5, unseen: 5, rev: 12 };
  await say('online');
  assert.equal(stores[0].unread, 5);
});

test('an open stream makes polling ten times slower, in every tab', async () => {
  const [, follower] = [tab(), tab()];
  await settle();
  const before = hub.of('/notifications/count').length;
  for (let i = 0; i < 9; i += 1) {
    await pass(25_000);
    hub.streams[0].say(':hb\n\n');
    await settle();
  }
  assert.equal(hub.of('/notifications/count').length, before);
  assert.equal(follower.stream.open, true);
  assert.ok(!follower.stream.leading);
});

test('bye ends the stream, and the count decides: signed out, nothing is asked any more', async () => {
  const store = tab();
  await settle();
  hub.status['/notifications/count'] = 401;
  hub.streams[0].say('event: bye\ndata: {}\n\n');
  await settle();
  assert.equal(store.state, 'signed_out');
  const calls = hub.calls.length;
  for (let i = 0; i < 10; i += 1) await pass(600_000);
  assert.equal(hub.calls.length, calls);
  hub.status = {};
  await look('visible'); // somebody has signed in again in another tab
  assert.equal(store.state, 'ok');
  assert.equal(hub.live().length, 1);
});

test('bye of a role that ended: the stream comes back, and the list is another one', async () => {
  const store = tab();
  await settle();
  hub.role = 2;
  hub.streams[0].say('event: bye\ndata: {}\n\n');
  await settle();
  assert.equal(store.state, 'ok');
  assert.ok(store.heard.some(([name]) => name === 'change'), 'the same revision under another tag');
  await pass(1000);
  assert.equal(hub.live().length, 1);
});

test('a role that ends right after a write is not missed, though the revision is the one that the write told', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  hub.numbers = { unread: 2, unseen: 2, rev: 11 };
  await store.mark('x', 'read');
  hub.role = 2;
  const heard = [];
  store.addEventListener('change', ({ detail }) => heard.push(detail));
  await store.count();
  assert.deepEqual(heard, [{ rev: 11, again: true }]);
  await store.count();
  assert.equal(heard.length, 1);
});

test('another configuration moves the number and no revision: every tab asks for its list', async () => {
  const tabs = [tab(), tab(), tab()];
  await settle();
  hub.role = 2; // as another configuration does, it makes another tag
  hub.numbers = { unread: 1, unseen: 1, rev: 10 };
  const again = tabs.map(() => 0);
  tabs.forEach((one, at) => one.addEventListener('change', ({ detail }) => { again[at] += detail.again ? 1 : 0; }));
  hub.streams[0].say('event: rev\nid: 10\ndata: {"rev":10,"unread":1}\n\n');
  await settle();
  assert.deepEqual(again, [1, 1, 1]);
  assert.deepEqual(tabs.map(({ unread }) => unread), [1, 1, 1]);
  assert.ok(hub.of('/notifications/count').length <= 3 + 2 * 3);
});

test('a hub that starts again is there again for all tabs as soon as its stream is', async () => {
  const tabs = [tab(), tab()];
  await settle();
  hub.status = { '/stream': 0, '/notifications/count': 0 };
  hub.streams[0].say('event: bye\ndata: {}\n\n');
  await settle();
  assert.deepEqual(tabs.map(({ state }) => state), ['offline', 'offline']);
  hub.status = {};
  await pass(1000);
  hub.live()[0].say('event: rev\nid: 10\ndata: {"rev":10,"unread":3}\n\n');
  await settle();
  assert.deepEqual(tabs.map(({ state }) => state), ['ok', 'ok']);
});

test('hidden for a minute: the stream is closed, another tab leads; nothing is polled; visible: at once', async () => {
  tab();
  await settle();
  await look('hidden');
  await pass(59_000);
  assert.equal(hub.live().length, 1);
  await pass(1000);
  assert.equal(hub.live().length, 0);
  const calls = hub.calls.length;
  await pass(600_000);
  assert.equal(hub.calls.length, calls);
  await look('visible');
  assert.equal(hub.calls.length, calls + 2, 'the stream and the count');
});

test('failures: twice the pause each time, to ten minutes; Retry-After is kept; said once', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  hub.status['/notifications/count'] = 500;
  for (let i = 0; i < 6; i += 1) await pass(600_000 * 1.2);
  assert.deepEqual(store.heard.filter(([name]) => name === 'state').map(([, state]) => state), ['ok', 'failing']);
  const before = hub.calls.length;
  await pass(479_000);
  assert.equal(hub.calls.length, before, 'ten minutes, less a fifth at most');
  await pass(241_000);
  assert.equal(hub.calls.length, before + 1);
  hub.status['/notifications/count'] = 429;
  hub.after = '5000';
  await store.count();
  assert.equal(store.state, 'limited');
  const asked = hub.calls.length;
  await pass(1_000_000);
  store.open('poll').close(); // an element that comes and goes asks for no exception
  await pass(3_999_000);
  assert.equal(hub.calls.length, asked);
  await pass(1000);
  assert.equal(hub.calls.length, asked + 1);
});

test('the poll carries the tag, keeps to the hub\'s pause, and a 304 changes nothing', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  store.heard.length = 0;
  await pass(23_000);
  assert.equal(hub.of('/notifications/count').length, 1);
  await pass(13_000);
  assert.equal(hub.of('/notifications/count').length, 2);
  assert.equal(hub.calls.at(-1).headers['if-none-match'], '"10.1.ann-1.0"');
  assert.deepEqual(store.heard, []);
});

test('an answer to a write counts at once, in the other tabs too, and an older answer does not undo it', async () => {
  const [first, second] = [tab({ live: 'sse' }), tab({ live: 'sse' })];
  await settle();
  hub.numbers = { unread: 2, unseen: 3, rev: 11 };
  await first.mark('x', 'read');
  await settle();
  assert.deepEqual([first.unread, second.unread], [2, 2]);
  first.apply({ rev: 9, unread: 7 });
  assert.equal(first.unread, 2);
  // after a restore the hub's revisions are lower, and still the truth
  hub.numbers = { unread: 1, unseen: 1, rev: 4 };
  await first.count();
  assert.deepEqual([first.unread, first.rev], [1, 4]);
});

test('what was seen is sent together, at most every two seconds, once, and with the page as it goes', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  store.seen(['a', 'b']);
  store.seen(['b', 'c']);
  await pass(1999);
  assert.equal(hub.of('/notifications/seen').length, 0);
  await pass(1);
  assert.deepEqual(hub.of('/notifications/seen').map(({ body, keepalive }) => [body.ids, keepalive]), [[['a', 'b', 'c'], true]]);
  store.seen(['a']);
  await pass(5000);
  assert.equal(hub.of('/notifications/seen').length, 1);
  store.seen(['d']);
  await look('hidden');
  assert.deepEqual(hub.of('/notifications/seen').at(-1).body.ids, ['d']);
  await look('visible');
  hub.status['/notifications/seen'] = 500;
  store.seen(['e']);
  await pass(2000);
  store.seen(['e']);
  await pass(2000);
  assert.equal(hub.of('/notifications/seen').length, 4, 'what failed is sent again when it is looked at again');
});

test('a token that was refused is asked for once more, then the store is signed out', async () => {
  const asked = [];
  hub.status['/notifications/count'] = 401;
  const store = tab({ live: 'poll', token: async (again) => { asked.push(again); return 'x.y.z'; } });
  await settle();
  assert.deepEqual(asked, [undefined, 'x.y.z']);
  assert.equal(store.state, 'signed_out');
  assert.equal(hub.calls[0].headers.authorization, 'Bearer x.y.z');
});

test('people with tokens share a channel only with themselves', async () => {
  const [ann, bob] = [tab({ token: () => 'ann' }), tab({ token: () => 'bob' })];
  await settle();
  assert.equal(hub.live().length, 2);
  hub.numbers = { unread: 2, unseen: 3, rev: 11 };
  await ann.mark('x', 'read');
  await settle();
  assert.deepEqual([ann.unread, bob.unread], [2, 3]);
});

test('somebody else signs in with the same cookie: nothing of one reaches the tabs of the other', async () => {
  const old = tab();
  await settle();
  hub.person = 'bob';
  hub.numbers = { unread: 1, unseen: 1, rev: 50 };
  const fresh = tab();
  await settle();
  assert.equal(hub.live().length, 2, 'each has its own');
  hub.streams[0].say('event: rev\nid: 90\ndata: {"rev":90,"unread":7}\n\n');
  hub.numbers = { unread: 1, unseen: 1, rev: 50 };
  await settle();
  assert.equal(fresh.unread, 1, 'what the old session hears stays with it');
  // the old one asks, and is told that it is bob now
  await old.count();
  await settle();
  assert.deepEqual([old.unread, old.rev], [1, 50]);
  assert.equal(hub.live().length, 1, 'one stream for both, who are one again');
  hub.live()[0].say('event: rev\nid: 51\ndata: {"rev":51,"unread":2}\n\n');
  hub.numbers = { unread: 2, unseen: 2, rev: 51 };
  await settle();
  assert.deepEqual([old.unread, fresh.unread], [2, 2]);
});

test('a session that ends is over in all tabs at once, a role too', async () => {
  const tabs = [tab(), tab(), tab()];
  await settle();
  hub.role = 2;
  hub.streams[0].say('event: bye\ndata: {}\n\n');
  await settle();
  for (const one of tabs) assert.ok(one.heard.some(([name]) => name === 'change'), 'each asks for its list');
  assert.equal(hub.live().length, 1);
  hub.status['/notifications/count'] = hub.status['/stream'] = 401;
  hub.live()[0].say('event: bye\ndata: {}\n\n');
  await settle();
  assert.deepEqual(tabs.map(({ state }) => state), tabs.map(() => 'signed_out'));
  const calls = hub.calls.length;
  for (let i = 0; i < 10; i += 1) await pass(600_000);
  assert.equal(hub.calls.length, calls, 'and nothing is asked any more');
});

test('messages that are not ours are passed over', async () => {
  const store = tab();
  await settle();
  const other = new Channel(store.stream.name);
  const messages = [null, undefined, 'hint', 7, [], {}, { live: 'yes' }, { hint: null }, { hint: {} }, { hint: { rev: '99' } }];
  for (const message of messages)
    other.postMessage(message);
  hub.streams[0].say('event: rev\ndata: null\n\nevent: rev\ndata: 7\n\nevent: rev\ndata: {"rev":11,"unread":4}\n\n');
  await settle();
  assert.deepEqual([store.unread, store.stream.open, hub.live().length], [4, true, 1]);
});

test('a stream that breaks for days leaves no listeners behind', async () => {
  const store = tab();
  await settle();
  const { signal } = store.stream.running;
  hub.status['/stream'] = 503;
  hub.streams[0].drop();
  for (let i = 0; i < 20; i += 1) await pass(600_000);
  assert.ok(getEventListeners(signal, 'abort').length <= 3, `${getEventListeners(signal, 'abort').length}`);
});

test('an answer that is not the hub\'s is none: the page of a proxy, a body that breaks off', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  for (const page of ['<!doctype html><title>Sign in to this network</title>', '{"unread":', '']) {
    hub.page = page;
    store.heard.length = 0;
    await store.count();
    assert.deepEqual([store.state, store.failed, store.unread, store.rev], ['offline', 0, 3, 10]);
    await assert.rejects(store.list(), { status: 0 });
    await assert.rejects(store.mark('x', 'read'), { status: 0 });
    hub.page = null;
    await store.count();
    assert.deepEqual(store.heard, [['state', 'offline'], ['state', 'ok']]);
  }
});

test('a credential that is refused is told as 401, whatever failed before', async () => {
  const store = tab({ live: 'poll' });
  await settle();
  hub.status['/notifications/count'] = 500;
  await store.count();
  assert.deepEqual([store.state, store.failed], ['failing', 500]);
  hub.status['/notifications'] = 401;
  await store.list().catch(() => {});
  assert.deepEqual([store.state, store.failed], ['signed_out', 401]);
});

test('without locks every visible tab reads for itself, and stops as soon as it is hidden', async () => {
  tab({ locks: undefined });
  await settle();
  assert.equal(hub.live().length, 1);
  await look('hidden');
  await pass(0);
  assert.equal(hub.live().length, 0);
});

test('a body that is no stream ends like one that breaks', async () => {
  const response = new Response('event: rev\ndata: {"rev":', { headers: { 'content-type': 'text/event-stream' } });
  const events = [];
  const end = await readStream({
    request: async () => response, lastId: '', signal: new AbortController().signal, onOpen() {},
    onEvent: (event) => events.push(event),
  });
  assert.deepEqual([end.status, end.bye, events], [200, false, []]);
  const hints = [];
  const live = new Live({ name: 'x', onHint: (hint) => hints.push(hint), onOpen() {}, onEnd() {}, locks, Channel });
  live.event({ event: 'rev', data: 'no JSON', id: '5' });
  assert.deepEqual([hints, live.lastId], [[], '5']);
  live.close();
});

test('a query from an address, an object with lists, or parameters', () => {
  for (const from of ['?q=a&severity=x&severity=y', new URLSearchParams('q=a&severity=x&severity=y'),
    { q: 'a', severity: ['x', 'y'], category: [], read: '', source: undefined }])
    assert.equal(queryOf(from).toString(), 'q=a&severity=x&severity=y');
});
