// SPDX-License-Identifier: Apache-2.0
// The table, and what the API says is in it. A row keeps its element for as long as it is shown, so that selection,
// focus and what is being read stay. Invariants: nothing is ever put in above or between rows that somebody may be
// looking at, unless they asked for it; what is being changed right now is not overwritten by an older answer; a row
// that is no longer valid stays until the list is asked for anew.
import { make } from './words.js';
import { FACETS } from './query.js';
import { boxOf, columnOf, idOf, titleOf } from './row.js';

const SLOW_MS = 400;
const LOADING_MS = 1000;
const MISSING_MAX = 10; // so many rows are asked for one by one; of more the list is believed

// The element to be focused again: the same column of that row, or the closest thing there.
export function cellFocus(row, column) {
  const cell = row.cells[column] ?? row.cells[0];
  return cell.querySelector('button:not([aria-disabled=true]), a, input') ?? titleOf(row) ?? boxOf(row);
}

export class List extends EventTarget {
  constructor(page) {
    super();
    Object.assign(this, page);
    const { section } = page;
    this.query = new URLSearchParams();
    this.table = section.querySelector('#list');
    this.body = this.table.tBodies[0];
    this.rev = Number(section.dataset.rev);
    this.total = Number(section.dataset.total); // of what does not wait
    this.next = section.querySelector('.pager a[rel=next]') ? true : null;
    this.pending = 0; // new ones that are not shown
    this.busy = new Set(); // ids that are being changed
    this.asked = 0;
    this.latest = null; // the last question's answer
    this.wanted = new Set(); // which new rows the next answer puts in: ids, or all (true)
  }

  all() {
    return [...this.body.rows];
  }

  row(id) {
    return this.all().find((row) => idOf(row) === id);
  }

  get hidden() {
    return this.query.get('status') === 'hidden';
  }

  get filtered() {
    return [...this.query.keys()].some((name) => name !== 'before');
  }

  // The filter as the API's bulk takes it.
  get filter() {
    const filter = {};
    for (const [name, value] of this.query)
      if (FACETS.includes(name)) (filter[name] ??= []).push(value);
      else if (name !== 'before') filter[name] = value;
    return filter;
  }

  // Asks for the list. insert: new rows are put in, all (true) or those of a set; otherwise they wait. Gives back what
  // was answered, or null when another list was asked for meanwhile; throws a Failure. Who is overtaken by a later
  // question about the same list shares its answer, and what was to be put in still is.
  async load({ insert = false } = {}) {
    this.wanted = insert === true || this.wanted === true || new Set([...this.wanted, ...insert || []]);
    const { query } = this;
    this.latest = this.loadOnce(++this.asked);
    for (;;) {
      const mine = this.latest;
      const data = await mine;
      if (data || this.latest === mine || this.query !== query) return data;
    }
  }

  async loadOnce(turn) {
    this.section.ariaBusy = true;
    const slow = setTimeout(() => this.section.classList.add('slow'), SLOW_MS);
    const loading = setTimeout(() => this.speaker.tell(this.words.say('loading')), LOADING_MS);
    try {
      const ask = () => this.store.list(new URLSearchParams([...this.query, ['labels', 'true']]));
      let data = await ask();
      if (data.rev < this.store.rev) data = await ask(); // it was on its way when an action was answered
      if (turn !== this.asked) return null;
      const gone = await this.missing(data);
      if (turn !== this.asked) return null;
      this.show(data, gone);
      return data;
    } catch (failure) {
      if (turn !== this.asked) return null;
      throw failure;
    } finally {
      clearTimeout(slow);
      clearTimeout(loading);
      if (turn === this.asked) {
        this.section.ariaBusy = false;
        this.section.classList.remove('slow');
      }
    }
  }

  // Rows that are shown and not listed any more, with what became of them: id -> item, or null when it is gone.
  async missing(data) {
    const listed = new Set(data.items.map(({ id }) => id));
    const ids = this.all().map(idOf).filter((id) => !listed.has(id) && !this.busy.has(id));
    const gone = new Map(ids.map((id) => [id, null]));
    if (this.wanted === true || ids.length > MISSING_MAX) return gone;
    await Promise.all(ids.map(async (id) => {
      try {
        gone.set(id, await this.store.one(id));
      } catch (failure) {
        if (failure.status !== 404) throw failure;
      }
    }));
    return gone;
  }

  show(data, gone) {
    const insert = this.wanted;
    this.wanted = new Set();
    const place = this.place();
    for (const [id, item] of gone) {
      const row = this.row(id);
      if (!row) continue;
      if (item && !item.hidden_at === !this.hidden) this.maker.patch(row, item);
      else this.removeAll([row]);
    }
    this.put(data.items, insert);
    // what "all matching" may touch: nothing that waits to be shown
    if (!this.pending) this.rev = data.rev;
    this.total = data.total - this.pending;
    this.next = data.next;
    this.restore(place);
    this.describe();
    this.dispatchEvent(new CustomEvent('shown', { detail: { data } }));
  }

  // Rows in the order of the items. What was not asked for is put in only after the last row that is shown.
  put(items, insert) {
    const asked = ({ id }) => insert === true || insert.has(id);
    const shown = new Map(this.all().map((row) => [idOf(row), row]));
    const last = items.findLastIndex(({ id }) => shown.has(id));
    let before = this.body.firstElementChild;
    this.pending = 0;
    items.forEach((item, at) => {
      const row = shown.get(item.id);
      if (row) {
        if (!this.busy.has(item.id)) this.maker.patch(row, item);
        if (insert === true && row !== before) this.body.insertBefore(row, before);
        before = row.nextElementSibling;
      } else if (this.busy.has(item.id)) {
        return; // it is just being hidden
      } else if (asked(item) || at > last && (shown.size > 0 || this.query.has('before'))) {
        this.body.insertBefore(this.maker.build(item), at > last ? null : before);
      } else {
        this.pending += 1;
      }
    });
  }

  // --- where the reader is

  // What has the focus and which row is the first in sight.
  place() {
    const active = document.activeElement?.closest?.('tr[data-rev]') ? document.activeElement : null;
    const first = this.all().find((row) => row.getBoundingClientRect().bottom > 0);
    return {
      active, id: active && idOf(active.closest('tr')), column: active && columnOf(active),
      first, top: first?.getBoundingClientRect().top,
    };
  }

  restore({ active, id, column, first, top }) {
    const row = id && this.row(id);
    if (active && row && document.activeElement !== active)
      (active.isConnected ? active : cellFocus(row, column)).focus({ preventScroll: true });
    if (first?.isConnected && scrollY > 0) scrollBy(0, first.getBoundingClientRect().top - top);
  }

  // Takes rows out; the focus goes to the same column of the next row that stays, else of the one before, else to the
  // heading.
  removeAll(rows) {
    const going = new Set(rows);
    const stays = (row) => !going.has(row);
    const all = this.all();
    const active = document.activeElement;
    const at = all.findIndex((row) => going.has(row) && row.contains(active));
    const next = all.slice(at).find(stays) ?? all.slice(0, at).findLast(stays);
    const column = columnOf(active);
    for (const row of rows) row.remove();
    this.total -= rows.length;
    if (at >= 0) this.focus(next, column);
    this.describe();
  }

  focus(row, column = 2) {
    (row ? cellFocus(row, column) : this.section.querySelector('#heading')).focus();
  }

  // --- what is said about the list

  describe() {
    const shown = this.body.rows.length;
    const [words, total] = [this.words, Math.max(this.total, shown)];
    const matching = this.filtered ? '_matching' : '';
    const text = this.query.has('before') ? words.count(`caption_older${matching}`, shown, total)
      : shown === total ? words.count(`caption_all${matching}`, shown)
        : words.say(`caption_latest${matching}`, shown, total);
    this.table.caption.textContent = text;
    this.table.hidden = shown === 0;
    const empty = this.section.querySelector('#empty');
    empty.hidden = shown > 0;
    if (shown === 0) this.explain(empty);
    this.section.dataset.rev = this.rev;
    this.section.dataset.total = total;
    this.section.dataset.view = this.hidden ? 'hidden' : 'active';
  }

  address(query) {
    const text = query.toString();
    return `${location.pathname}${text && `?${text}`}`;
  }

  // Why there is nothing, and the way out.
  explain(empty) {
    const { query, words } = this;
    const narrow = ['q', ...FACETS].filter((name) => query.has(name));
    const key = query.has('before') ? 'nothing_older' : narrow.length ? 'no_match'
      : this.hidden ? 'nothing_hidden' : query.has('read') ? 'all_read' : 'caught_up';
    const out = new URLSearchParams(key === 'nothing_older' ? query : key === 'caught_up' ? 'status=hidden' : '');
    out.delete('before');
    empty.replaceChildren(
      make('h2', {}, words.say(`empty_${key}`)), make('p', {}, words.say(`empty_${key}_text`)),
      ...(narrow.length ? [make('ul', {}, ...narrow.flatMap((name) => query.getAll(name).map((value) =>
        make('li', { dir: 'auto' }, `${words.say(`filter_${name}`)}: ${this.filters.label(name, value)}`))))] : []),
      make('p', {}, make('a', { class: 'button', href: this.address(out) }, words.say(`empty_${key}_way`))));
  }
}
