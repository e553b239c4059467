// SPDX-License-Identifier: Apache-2.0
// The keyboard (inbox keys as GitHub has them). Invariants (WCAG 2.1.4): keys of the table act only while the focus is
// in it; those of the page can be switched off; none acts with Ctrl, Alt or Meta, in a field, or while a text is being
// composed. A key that is held moves on and does nothing else, so that no finger hides a whole list. A key that does
// nothing here is left to the browser.

// where: table or page. moves: also while it is held. A prefix is a key that waits for the next.
export const KEYS = [
  { keys: ['j', 'ArrowDown'], where: 'table', command: 'next', moves: true },
  { keys: ['k', 'ArrowUp'], where: 'table', command: 'previous', moves: true },
  { keys: ['Home'], where: 'table', command: 'first' },
  { keys: ['End'], where: 'table', command: 'last' },
  { keys: ['o', 'Enter'], where: 'table', command: 'open' },
  { keys: ['O'], where: 'table', command: 'open_new' },
  { keys: ['x'], where: 'table', command: 'select' },
  { keys: ['X'], where: 'table', command: 'range' },
  { keys: ['e'], where: 'table', command: 'hide' },
  { keys: ['I'], where: 'table', command: 'read' },
  { keys: ['U'], where: 'table', command: 'unread' },
  { keys: ['* a'], where: 'table', command: 'all' },
  { keys: ['* n'], where: 'table', command: 'none' },
  { keys: ['z'], where: 'page', command: 'undo' },
  { keys: ['/'], where: 'page', command: 'search' },
  { keys: ['?'], where: 'page', command: 'help' },
  { keys: ['r'], where: 'page', command: 'refresh' },
  { keys: ['g n'], where: 'page', command: 'inbox' },
];
const PREFIX_MS = 1500;

// Caps Lock turns letters around; Shift says what was meant.
function nameOf({ key, shiftKey }) {
  return /^\p{L}$/u.test(key) ? (shiftKey ? key.toUpperCase() : key.toLowerCase()) : key;
}

// What a key means: {command}, {prefix} or null. at: {table, field, native, shortcuts}: whether the focus is in the
// table, in something that one types into, and on what takes Enter itself; whether the keys of the page are on.
export function meaning(event, prefix, at) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return null;
  if (event.ctrlKey || event.altKey || event.metaKey || at.field) return null;
  const name = nameOf(event);
  if (name === 'Escape') return { command: 'escape' };
  if (name === 'Enter' && at.native) return null;
  const full = prefix ? `${prefix} ${name}` : name;
  const here = KEYS.filter(({ where }) => (where === 'table' ? at.table : at.shortcuts));
  const found = here.find(({ keys }) => keys.includes(full));
  if (event.repeat && !found?.moves) return null;
  if (found) return { command: found.command };
  return here.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `))) ? { prefix: name } : null;
}

const TYPED = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])';

// commands: command -> function(row); one that gives back false leaves the key to the browser.
export class Keys {
  constructor({ table, commands, shortcuts }) {
    Object.assign(this, { table, commands, shortcuts, prefix: null, at: 0 });
    document.addEventListener('keydown', (event) => this.press(event));
  }

  press(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (['Shift', 'CapsLock'].includes(event.key)) return;
    const prefix = performance.now() - this.at < PREFIX_MS ? this.prefix : null;
    this.prefix = null;
    // a dialog and a popover have keys of their own, Escape first of all
    if (document.querySelector('dialog[open], :popover-open') || target.closest('belfry-bell[open]')) return;
    const got = meaning(event, prefix, {
      table: this.table.contains(target), field: target.matches(TYPED) || target.isContentEditable,
      native: target.matches('a, button, summary, [type=submit]'), shortcuts: this.shortcuts(),
    });
    if (got?.prefix) [this.prefix, this.at] = [got.prefix, performance.now()];
    else if (!got || this.commands[got.command](target.closest('tr[data-rev]'), target) === false) return;
    event.preventDefault();
  }
}
