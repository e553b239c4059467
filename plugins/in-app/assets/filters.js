// SPDX-License-Identifier: Apache-2.0
// Filters: the form, the address, and the list, which always say the same. Invariants: the address is written in one
// order with defaults left out, as the hub writes it; a choice is a step in the history, typing is none; what the hub
// has not understood of an address is not asked for again.
import { canonical, DEFAULTS, FACETS, of } from './query.js';
import { make } from './words.js';

const TYPING_MS = 300;
const TOLD_MS = 500;

export class Filters {
  constructor(page) {
    Object.assign(this, page);
    this.form = page.section.querySelector('#filters');
  }

  // After the list is there.
  listen(list) {
    this.list = list;
    list.query = this.read(new URLSearchParams(location.search).getAll('before'));
    this.form.addEventListener('change', (event) => {
      if (event.target.name !== 'q') this.apply(this.read(), true);
    });
    this.form.elements.q.addEventListener('input', () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.apply(this.read(), false), TYPING_MS);
    });
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      clearTimeout(this.typing);
      this.apply(this.read(), true, true);
    });
    this.section.addEventListener('click', (event) => this.follow(event));
    addEventListener('popstate', () => {
      const params = new URLSearchParams(location.search);
      // a skip link is a step in the history too, but none of the list: its focus is not to be taken away
      if (of(params).toString() !== this.list.query.toString()) this.arrive(params, true);
    });
    list.addEventListener('shown', ({ detail }) => this.shown(detail.data));
  }

  choice(facet, value) {
    const boxes = [...this.form.querySelectorAll(`input[name="${facet}"]`)];
    return boxes.find((box) => box.value === value)?.closest('label');
  }

  label(facet, value) {
    return this.choice(facet, value)?.querySelector('span').textContent ?? value;
  }

  // What the form says; always without a place in the list, unless one is given.
  read(before = []) {
    const data = new FormData(this.form);
    return canonical((name) => (name === 'before' ? before : data.getAll(name)));
  }

  // A link to the same page in another state.
  follow(event) {
    const link = event.target.closest('a[href]');
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.hasAttribute('download') || link.origin !== location.origin || link.pathname !== location.pathname) return;
    if (link.hash || link.closest('.banner')) return;
    event.preventDefault();
    history.pushState(null, '', link.href);
    this.arrive(link.searchParams ?? new URL(link.href).searchParams, true);
  }

  async apply(query, step, focus = false) {
    if (query.toString() !== this.list.query.toString()) {
      const address = this.list.address(query);
      if (step) history.pushState(null, '', address);
      else history.replaceState(null, '', address);
    }
    await this.go(query, focus);
  }

  // The address says where we are: the form follows.
  async arrive(params, focus) {
    const query = of(params);
    for (const input of this.form.elements) {
      if (input.name === 'q') input.value = query.get('q') ?? '';
      else if (input.type === 'checkbox') input.checked = query.getAll(input.name).includes(input.value);
      else if (input.type === 'radio') input.checked = (query.get(input.name) ?? DEFAULTS[input.name]) === input.value;
    }
    await this.go(query, focus);
  }

  async go(query, focus) {
    const before = this.list.query.get('before');
    this.list.query = query;
    const data = await this.reload(true);
    if (!data) return;
    if (focus) this.section.querySelector('#heading').focus();
    if (before !== query.get('before')) scrollTo(0, 0);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.speaker.tell(this.words.count('results', data.total)), TOLD_MS);
  }

  // --- what the page says about filters

  shown(data) {
    for (const facet of FACETS) this.facet(facet, data.facets[facet] ?? {}, data.items);
    this.applied();
    this.links();
  }

  facet(facet, counts, items) {
    const group = this.form.querySelector(`#facet-${facet}`);
    if (!group) return;
    for (const label of group.querySelectorAll('label')) {
      const box = label.querySelector('input');
      const count = counts[box.value] ?? 0;
      label.querySelector('.n').textContent = this.words.number.format(count);
      label.hidden = !count && !box.checked;
    }
    for (const [value, count] of Object.entries(counts)) {
      if (this.choice(facet, value)) continue;
      const text = facet === 'severity' ? this.words.say(`severity_${value}`)
        : facet === 'category' ? items.find((item) => item.category === value)?.category_label ?? value : value;
      const box = make('input', { type: 'checkbox', name: facet, value });
      group.append(make('label', {}, box, make('span', { dir: 'auto' }, text), ' ',
        make('span', { class: 'n' }, this.words.number.format(count))));
    }
  }

  // Each filter that is applied, as a link to the list without it.
  applied() {
    const { query } = this.list;
    const items = ['q', ...FACETS].flatMap((name) => query.getAll(name).map((value) => {
      const without = canonical((other) => query.getAll(other).filter((one) =>
        other !== 'before' && !(other === name && one === value)));
      const text = `${this.words.say(`filter_${name}`)} ${this.label(name, value)}`;
      return make('li', {}, make('a', { class: 'chip', href: this.list.address(without) },
        make('span', { class: 'vh' }, `${this.words.say('filter_remove')} `), make('span', { dir: 'auto' }, text)));
    }));
    const list = this.section.querySelector('#applied');
    list.replaceChildren(...items);
    list.hidden = !items.length;
    this.form.querySelector('.go a').hidden = !this.list.filtered;
  }

  // Older and newer, and the export of the same list.
  links() {
    const { query, next } = this.list;
    const pager = this.section.querySelector('.pager');
    const plain = canonical((name) => (name === 'before' ? [] : query.getAll(name)));
    const way = (rel, to) => make('a', { rel, href: this.list.address(to) }, this.words.say(`pager_${rel}`));
    const older = new URLSearchParams(plain);
    older.set('before', next);
    pager.replaceChildren(...(query.has('before') ? [way('first', plain)] : []), ...(next ? [way('next', older)] : []));
    for (const link of this.section.querySelectorAll('.export a')) {
      const url = new URL(link.href);
      const all = new URLSearchParams(plain);
      all.set('format', url.searchParams.get('format') ?? 'csv');
      link.setAttribute('href', `${url.pathname}?${all}`);
    }
  }
}
