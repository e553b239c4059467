// SPDX-License-Identifier: Apache-2.0
// What bell, feed and tile have in common: attributes and properties that may change at any time, the store of the
// page, and the events that the page hears. Everything leads to update(), once per turn, which makes the element what
// its attributes say; draw() is theirs. So one that is moved in the document is connected again before anybody looked.
// Invariants: a connected element with a `src` uses exactly one store, any other none; nothing survives its removal.
import { connect } from '../store.js';
import { node } from './dom.js';
import { sheet } from './style.js';
import { speaker, texts } from './words.js';

const PATIENCE_MS = 30_000;

// A page's getToken is called for the first request and when its token was refused, however many ask for it at once.
// One that fails or stays silent is called again for the next request.
const tokens = (globalThis[Symbol.for('belfry.tokens')] ??= new WeakMap());
function remembered(getToken) {
  if (!tokens.has(getToken)) {
    let token, known;
    const forget = () => { token = null; };
    tokens.set(getToken, (refused) => {
      if (!token || (refused && refused === known)) {
        known = null;
        token = new Promise((resolve, reject) => {
          setTimeout(reject, PATIENCE_MS, 'no token');
          (async () => resolve(await getToken()))().catch(reject);
        });
        token.then((text) => (known = text) || forget(), forget);
      }
      return token;
    });
  }
  return tokens.get(getToken);
}

export class Base extends HTMLElement {
  static get observedAttributes() {
    return 'src href auth limit filter live max-count lang label target open'.split(' ');
  }

  constructor() {
    super();
    this.shadow = this.attachShadow({ mode: 'open' });
    this.shadow.adoptedStyleSheets = [sheet];
    this.status = node('span', { class: 'quiet', role: 'status' });
  }

  get getToken() {
    return this.tokenOf;
  }

  set getToken(value) {
    this.tokenOf = value;
    this.soon();
  }

  get messages() {
    return this.own;
  }

  set messages(value) {
    this.own = value;
    this.soon();
  }

  connectedCallback() {
    // set before the element was defined
    for (const name of ['getToken', 'messages'])
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    this.soon();
  }

  disconnectedCallback() {
    this.soon();
  }

  attributeChangedCallback() {
    this.soon();
  }

  soon() {
    if (!this.due) queueMicrotask(() => {
      this.due = false;
      this.update();
    });
    this.due = true;
  }

  // --- what the attributes say

  // An address, or null for none and for what is no address.
  url(name, otherwise) {
    const text = this.getAttribute(name) || otherwise;
    return text && URL.canParse(text, document.baseURI) ? new URL(text, document.baseURI).href : null;
  }

  get base() {
    return this.url('src')?.replace(/\/$/, '');
  }

  // The inbox page of the org that the API's address names.
  get inbox() {
    return this.url('href', this.base?.replace(/\/v1(\/[^/]+)$/, '$1/notifications'));
  }

  get far() {
    return new URL(this.base ?? '', location).origin !== location.origin;
  }

  get cookie() {
    return (this.getAttribute('auth') || (this.far ? 'token' : 'cookie')) === 'cookie';
  }

  query(more) {
    const query = new URLSearchParams(this.getAttribute('filter') ?? '');
    for (const name in more) query.set(name, more[name]);
    return query;
  }

  // --- the store

  update() {
    const lang = this.getAttribute('lang') || this.closest('[lang]')?.lang || navigator.language;
    Object.assign(this, speaker(lang, texts, this.own));
    const on = this.isConnected && this.base;
    const token = on && !this.cookie && this.tokenOf ? remembered(this.tokenOf) : undefined;
    const live = this.getAttribute('live') ?? 'poll';
    const base = on && (this.cookie || token) ? this.base : null;
    const { store } = this;
    if (base !== this.used?.base || token !== this.used?.token || live !== this.used?.live) {
      this.store?.close();
      this.used?.ends.abort();
      this.store = this.used = null;
      if (this.isConnected && (base !== this.whose?.base || token !== this.whose.token)) {
        this.whose = { base, token };
        this.forget();
      }
      if (base) this.join({ base, token, live, ends: new AbortController() });
    }
    const asked = `${this.getAttribute('limit')} ${this.getAttribute('filter')}`;
    if (asked !== this.asked && store && store === this.store) this.changed(true);
    this.asked = asked;
  }

  // Nothing of one org or person is shown as another's.
  forget() {
    this.unread = this.turn = this.told = this.ready = undefined;
  }

  join(used) {
    this.used = used;
    this.store = connect(used);
    const hear = (name, then) => this.store.addEventListener(name, then, used.ends);
    hear('count', () => this.counted());
    hear('change', () => this.changed());
    hear('state', () => this.stated());
    if (this.store.state !== 'idle') this.stated();
  }

  stated() {
    const { state, failed: status } = this.store;
    if (state === 'ok') this.counted();
    else if (state === 'signed_out') this.emit('auth', { status });
    else this.emit('error', { status, code: state, retryable: true });
    this.draw();
  }

  // all: because another filter or limit is asked for
  changed(all) {
    if (all || this.query().size) this.counted();
  }

  // With a filter the number is that of the list which it makes.
  async counted() {
    const { store } = this;
    const turn = this.turn = {};
    let { unread } = store;
    try {
      if (this.query().size) {
        const query = this.query({ read: 'unread', limit: 1 });
        unread = (await store.json(`/notifications?${query}`)).data.total;
      }
    } catch {
      setTimeout(() => turn === this.turn && this.store && this.counted(), PATIENCE_MS);
      return;
    }
    if (store !== this.store || turn !== this.turn || unread === null) return;
    const before = this.unread;
    this.unread = unread;
    if (!this.ready) this.emit('ready', { unread });
    this.ready = true;
    if (before !== unread) this.emit('count', { unread });
    this.draw();
  }

  refresh() {
    return this.store?.count();
  }

  // --- the page

  emit(name, detail) {
    return this.dispatchEvent(new CustomEvent(`belfry-${name}`, {
      detail, bubbles: true, composed: true, cancelable: name === 'activate',
    }));
  }
}

export function define(name, Class) {
  if (!customElements.get(name)) customElements.define(name, Class);
}
