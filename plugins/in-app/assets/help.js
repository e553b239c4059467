// SPDX-License-Identifier: Apache-2.0
// The dialog that lists the keys; a file of its own, fetched when somebody asks for it.
import { make } from './words.js';
import { KEYS } from './keys.js';

const SHOWN = { ArrowDown: '↓', ArrowUp: '↑', O: 'Shift+o', X: 'Shift+x', I: 'Shift+i', U: 'Shift+u' };

export class Part {
  constructor({ words }) {
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
