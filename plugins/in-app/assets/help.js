// SPDX-License-Identifier: Apache-2.0
// The dialog that lists the keys, and the toolbar's arrow keys.
import { make } from './words.js';
import { KEYS } from './keys.js';

const SHOWN = { ArrowDown: '↓', ArrowUp: '↑', O: 'Shift+o', X: 'Shift+x', I: 'Shift+i', U: 'Shift+u' };

export class Help {
  constructor(words) {
    this.words = words;
  }

  // Built when it is asked for first; the browser gives the focus back when it is closed.
  open() {
    this.dialog ??= this.build();
    this.dialog.showModal();
  }

  build() {
    const keysOf = (keys) => keys.flatMap((key, at) => [
      at ? ` ${this.words.say('or')} ` : '', make('kbd', {}, SHOWN[key] ?? key)]);
    const line = ({ keys, command }) => make('div', {},
      make('dt', {}, ...keysOf(keys)), make('dd', {}, this.words.say(`key_${command}`)));
    const group = (where) => [
      make('h3', {}, this.words.say(`keys_${where}`)),
      make('dl', {}, ...KEYS.filter((key) => key.where === where).map(line))];
    const dialog = make('dialog', { id: 'help', 'aria-labelledby': 'help-title' },
      make('h2', { id: 'help-title' }, this.words.say('keys')), ...group('table'), ...group('page'),
      make('form', { method: 'dialog' }, make('button', {}, this.words.say('close'))));
    document.body.append(dialog);
    return dialog;
  }
}

// One tab stop for a toolbar (WAI-ARIA APG): Left, Right, Home and End go from one to the next.
export function roving(toolbar) {
  const stops = () => [...toolbar.querySelectorAll('button, input')].filter((one) => one.checkVisibility());
  const settle = (to) => {
    for (const one of toolbar.querySelectorAll('button, input')) one.tabIndex = one === to ? 0 : -1;
  };
  toolbar.addEventListener('focusin', ({ target }) => settle(target.closest('button, input')));
  toolbar.addEventListener('keydown', (event) => {
    const all = stops();
    const at = all.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const forward = getComputedStyle(toolbar).direction === 'rtl' ? -1 : 1;
    const to = {
      ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: all.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length).focus();
  });
  return () => {
    const all = stops();
    if (all.filter((one) => one.tabIndex === 0).length !== 1) settle(all[0]);
  };
}
