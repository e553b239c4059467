// SPDX-License-Identifier: Apache-2.0
// Banners, one a kind, and what the store's state means to the reader: a banner for as long as it lasts, said once.
// Invariants: an outage is one alert, whatever it turns from and into, until all is well again; a banner that comes moves
// nothing, because it would move the next row from under the pointer that has just hidden one.
import { make } from './words.js';

export class Banners {
  constructor(slot) {
    this.slot = slot;
    this.own = make('div', { class: 'own' }); // where there is room it lies over the end of the page
    slot.append(this.own);
  }

  find(kind) {
    return this.slot.querySelector(`[data-kind="${kind}"]`);
  }

  // ways: buttons and links after the text
  set(kind, text, ...ways) {
    const banner = make('div', { class: 'banner' }, ...(text ? [make('p', {}, text)] : []), ...ways);
    banner.dataset.kind = kind;
    const old = this.find(kind);
    if (old) old.replaceWith(banner);
    else this.own.append(banner);
    return banner;
  }

  clear(kind) {
    this.find(kind)?.remove();
  }

  // What the hub wrote into the page about the errand before this one
  clearOld() {
    for (const banner of this.slot.querySelectorAll('.banner:not([data-kind])')) banner.remove();
  }
}

const well = (state) => state === 'ok' || state === 'idle';
const OUTAGE = { offline: 'outage', failing: 'outage' };

// Shows what keeps the page from being up to date.
export class Weather {
  constructor(page) {
    Object.assign(this, page);
    this.kind = null;
    const { store } = page;
    store.addEventListener('state', () => this.set(store.state, store.wait));
  }

  // A list that could not be had, where the count may well be
  failed(failure) {
    this.set(failure.status === 401 ? 'signed_out' : failure.status === 429 ? 'limited'
      : failure.status === 0 ? 'offline' : 'failing', failure.wait);
  }

  // The list was had. When the number is had too, all is well again.
  listed() {
    if (well(this.store.state)) this.clear();
  }

  clear() {
    this.kind = null;
    this.banners.clear('state');
  }

  set(state, wait) {
    if (well(state)) {
      if (this.kind) this.reload(); // what was missed meanwhile
      this.clear();
      return;
    }
    const kind = OUTAGE[state] ?? state;
    if (kind === this.kind || this.kind === 'signed_out') return;
    this.kind = kind;
    this[kind](wait);
  }

  outage() {
    const { words, store } = this;
    const when = store.updatedAt ? words.clock.format(store.updatedAt) : '';
    const text = when ? words.say('outage', when) : words.say('outage_never');
    this.banners.set('state', text, make('button', { type: 'button', onclick: () => this.again() }, words.say('retry')))
      .classList.add('warn');
    this.speaker.warn(text);
  }

  again() {
    this.store.count();
    this.reload();
  }

  signed_out() {
    const text = this.words.say('signed_out');
    this.banners.set('state', text, make('a', { class: 'button', href: location.href }, this.words.say('sign_in')))
      .classList.add('warn');
    this.speaker.warn(text);
  }

  limited(wait) {
    const text = this.words.count('try_again', Math.ceil((wait || 1000) / 1000));
    this.banners.set('state', text);
    this.speaker.tell(text);
  }
}

// Why something did not work, in the reader's words; '' when the state says it already.
export function reasonOf(failure, words) {
  const { status, problem, wait } = failure;
  if (status === 401) return '';
  if (problem?.handled_by) return words.say('reason_handled', problem.handled_by);
  if (status === 0) return words.say('reason_offline');
  if (status === 404 || status === 410) return words.say('reason_gone');
  if (status === 429) return words.count('try_again', Math.ceil((wait || 1000) / 1000));
  return status >= 500 || !status ? words.say('reason_hub') : failure.message;
}
