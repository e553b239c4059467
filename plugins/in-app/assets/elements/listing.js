// SPDX-License-Identifier: Apache-2.0
// The newest notifications as a list, the content of bell and feed. What changes on the hub changes in its row; what is
// new waits behind a button, so that nothing moves under a pointer. A file of its own, which a bell fetches when it is
// opened. It belongs to one element (`host`, a Base), which calls update(), draw() and load().
import { equip } from '../calls.js';
import { node } from './dom.js';
import { link } from './link.js';
import { sheet } from './listing-style.js';
import { texts } from './listing-words.js';
import { speaker } from './words.js';

const LOOKED_MS = 1000;
const MINUTE_MS = 60_000;

export class Listing {
  constructor(host) {
    this.host = host;
    host.shadow.adoptedStyleSheets.push(sheet);
    this.rows = new Map(); // id -> {item, li}
    this.news = this.rev = 0; // how many rows wait; of what is shown
    this.heading = host.heading;
    this.reading = node('button', { click: () => this.bulk('read', this.everything()) });
    this.alert = node('p', { part: 'error', role: 'alert', hidden: true });
    this.more = node('button', { click: () => this.load(true) });
    this.list = node('ul', { role: 'list', part: 'list' });
    this.empty = node('p', { part: 'empty', hidden: true }, node('slot', { name: 'empty' }));
    this.undo = node('p', { hidden: true });
    this.all = node('slot', { name: 'footer' });
    host.bar.append(this.reading, this.more);
    this.content = [
      this.alert, this.list, this.empty, this.undo, node('div', { class: 'bar', part: 'footer' }, this.all),
    ];
    this.looks = new Map();
    this.eye = new IntersectionObserver((entries) => entries.forEach((entry) => this.look(entry)), { threshold: 0.5 });
    this.returns = () => this.watch();
  }

  get store() {
    const { store } = this.host;
    return store && equip(store);
  }

  get shadow() {
    return this.host.shadow;
  }

  // The hub takes no write with a cookie from a page of another origin.
  get writes() {
    return !(this.host.cookie && this.host.far);
  }

  update() {
    clearInterval(this.clock);
    document.removeEventListener('visibilitychange', this.returns);
    if (this.store) {
      this.clock = setInterval(() => this.tick(), MINUTE_MS);
      document.addEventListener('visibilitychange', this.returns);
    }
    this.watch();
  }

  forget() {
    this.list.replaceChildren();
    this.rows.clear();
    this.news = this.rev = 0; // what was not shown is not marked as read
    this.loading = this.trouble = null;
    for (const part of [this.empty, this.undo]) part.hidden = true;
  }

  // A row that was in sight of somebody for a second was seen; that only holds back the mail about it.
  look({ target, intersectionRatio }) {
    clearTimeout(this.looks.get(target));
    this.looks.delete(target);
    if (intersectionRatio >= 0.5 && this.writes && document.visibilityState === 'visible')
      this.looks.set(target, setTimeout(() => this.store?.seen([target.id]), LOOKED_MS));
  }

  // Nobody looks at a page that is hidden; one that returns is looked at from the start.
  watch() {
    this.looks.forEach((timer) => clearTimeout(timer));
    this.looks.clear();
    this.eye.disconnect();
    if (this.store && document.visibilityState === 'visible') this.rows.forEach(({ li }) => this.eye.observe(li));
  }

  draw() {
    const { language, own } = this.host;
    const { say } = speaker(language, texts, own);
    this.say = say; // of the language that the host has now: it may draw before it calls update()
    const at = this.shadow.activeElement;
    this.more.textContent = say('more', this.news);
    this.more.hidden = !this.news;
    this.reading.textContent = say('read');
    this.reading.hidden = !this.rev || !this.host.unread || !this.writes;
    this.empty.firstChild.textContent = say('empty');
    this.all.replaceChildren(link(this.host, {}, this.host.inbox, null, say('all')));
    if (this.said !== language || this.worded !== own) this.reword();
    const state = this.store?.state;
    const stale = /limited|offline|failing/.test(state) ? 'stale' : this.trouble ?? '';
    this.complain(state === 'signed_out' ? 'out' : stale);
    if (at?.hidden) this.heading.focus(); // a button that has done its work
    this.tick();
  }

  // The same in another language.
  reword() {
    [this.said, this.worded, this.why] = [this.host.language, this.host.own, null];
    this.undo.hidden = true;
    for (const [id, row] of this.rows) this.rows.set(id, this.row(row.item, row));
  }

  complain(why) {
    if (why === this.why) return;
    this.why = why;
    this.alert.hidden = !why;
    this.alert.replaceChildren(...why ? [this.say(why), node('button', {
      click: () => {
        this.trouble = null;
        this.heading.focus();
        this.complain('');
        this.host.refresh();
      },
    }, this.say('retry'))] : []);
  }

  // --- rows

  async load(all) {
    const { store } = this;
    if (!store || !this.host.shown) return;
    const limit = Math.min(Math.max(parseInt(this.host.getAttribute('limit')) || 20, 1), 50);
    // only the last of several counts, and shows what any of them was to show
    const turn = this.loading = { all: all || this.loading?.all };
    this.list.ariaBusy = true;
    let data, failure;
    try {
      data = await store.list(this.host.query({ limit, labels: true }));
    } catch (caught) {
      failure = caught;
    }
    if (store !== this.store || turn !== this.loading) return;
    this.loading = null;
    this.list.ariaBusy = false;
    if (failure) this.fail('stale', failure);
    else this.show(data, turn.all);
  }

  show({ rev, items }, all) {
    const had = this.list.contains(this.shadow.activeElement);
    const kept = items.filter(({ id }) => this.rows.has(id));
    const shown = all || !kept.length ? items : kept;
    const rows = new Map();
    this.rev = rev;
    for (const item of shown) {
      const row = this.rows.get(item.id);
      rows.set(item.id, row && JSON.stringify(row.item) === JSON.stringify(item) ? row : this.row(item, row));
    }
    for (const [id, { li }] of this.rows) if (!rows.has(id)) li.remove();
    this.rows = rows;
    [...rows.values()].forEach(({ li }, at) => {
      if (this.list.children[at] !== li) this.list.insertBefore(li, this.list.children[at]);
    });
    this.news = items.length - shown.length;
    this.empty.hidden = rows.size > 0;
    if (this.trouble === 'stale') this.trouble = null;
    this.draw();
    if (had && !this.list.contains(this.shadow.activeElement)) this.heading.focus();
  }

  // Only the hub's own addresses, whatever was answered.
  ours(href) {
    const { base, inbox } = this.host;
    const url = base && URL.canParse(href, base) ? new URL(href, base) : null;
    return url && url.origin === new URL(base).origin ? url.href : inbox;
  }

  row(item, old) {
    const { say } = this;
    const button = (part, label, click) => node('button', { part, click, 'aria-label': `${label}: ${item.title}` }, label);
    const li = node('li', { id: item.id, part: item.unread ? 'item item-unread' : 'item', class: item.unread && 'new' },
      link(this.host, { part: 'item-link' }, this.ours(item.href), item,
        ...item.unread ? [node('span', { class: 'quiet' }, `${say('new')} `)] : [], node('bdi', {}, item.title)),
      node('div', { part: 'item-meta' },
        node('i', { part: 'severity', class: item.severity }, say(item.severity)),
        node('span', {}, item.category_label),
        ...item.handled_by ? [node('span', {}, say('by', item.handled_by))] : [],
        ...item.validity === 'valid' ? [] : [node('span', {}, say('invalid'))],
        node('time', { datetime: item.created_at }),
        ...this.writes ? [
          ...item.actions.map(({ id, label }) => button('actions', label, () => this.act(item.id, id))),
          button('actions', say('hide'), () => this.bulk('hide', { ids: [item.id] })),
        ] : []));
    if (old) {
      const at = [...old.li.querySelectorAll('a,button')].indexOf(this.shadow.activeElement);
      old.li.replaceWith(li);
      if (at >= 0) li.querySelectorAll('a,button')[at]?.focus();
    }
    this.eye.observe(li);
    return { item, li };
  }

  // How long ago, in words.
  tick() {
    const words = new Intl.RelativeTimeFormat(this.host.language, { numeric: 'auto' });
    for (const time of this.list.querySelectorAll('time')) {
      const at = new Date(time.dateTime);
      const minutes = Math.round((at - Date.now()) / MINUTE_MS);
      time.title = at.toLocaleString(this.host.language);
      time.textContent = minutes > -60 ? words.format(minutes, minutes ? 'minute' : 'second')
        : minutes > -1440 ? words.format(Math.round(minutes / 60), 'hour')
          : words.format(Math.round(minutes / 1440), 'day');
    }
  }

  // --- what a person does

  fail(why, { status = 0, message }) {
    if (status !== 401) this.host.emit('error', { status, code: message, retryable: !status || status > 428 });
    this.trouble = why;
    this.draw();
  }

  async attempt(action, ids, call) {
    const { store } = this;
    let answer = null, failure = null;
    try {
      answer = await call(store);
      if (answer?.failed?.length) failure = { status: 404, message: answer.failed[0].code };
    } catch (caught) {
      failure = caught;
    }
    if (store !== this.store) return null;
    this.trouble = null;
    if (failure) this.fail('failed', failure);
    else this.draw();
    this.host.emit('action', { action, ids, ok: !failure });
    return answer;
  }

  everything() {
    const filter = {};
    for (const [name, value] of this.host.query())
      if (/^(q|status|read)$/.test(name)) filter[name] = value;
      else (filter[name] ??= []).push(value);
    return { filter, as_of_rev: this.rev };
  }

  async bulk(action, which) {
    if (!this.store || which.ids?.length === 0) return; // removed while the list came, or nothing to do
    const answer = await this.attempt(action, which.ids ?? [], (store) => store.bulk({ action, ...which }));
    if (!answer) return;
    this.undo.hidden = !answer.undo;
    this.undo.replaceChildren(this.say('done'), node('button', {
      click: () => {
        this.undo.hidden = true;
        this.heading.focus();
        this.attempt('undo', which.ids ?? [], (store) => store.undo(answer.undo)).then(() => this.load(true));
      },
    }, this.say('undo')));
    this.host.status.textContent = this.say('done');
  }

  act(id, action) {
    return this.attempt(action, [id], (store) => store.act(id, action)).then(() => this.load());
  }

  // By its link, which leads on
  opened(item) {
    if (item.unread && this.writes) this.store.mark(item.id, 'read', true).catch(() => {});
  }
}
