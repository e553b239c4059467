// SPDX-License-Identifier: Apache-2.0
// One row of the list, from an item of the API: built from the page's template, so that it is what the hub would have
// written; and brought up to date in place. Of an item only its marks, its validity and its actions ever change.
import { make } from './words.js';

const LABEL_BYTES = 80;
const BRIEF_BYTES = 240;

// At most so many bytes of UTF-8, at the border of a character, with an ellipsis when there was more.
export function cut(text, max) {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  let end = max;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end -= 1;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}…`;
}

export const idOf = (row) => row.id.slice('n-'.length);
export const titleOf = (row) => row.querySelector('a.title');
export const boxOf = (row) => row.querySelector('input[name=ids]');
export const columnOf = (element) => element.closest('td, th')?.cellIndex ?? 0;
const slot = (row, name) => row.querySelector(`[data-slot=${name}]`);

// From items with labels (?labels=true).
export class Rows {
  constructor({ section, words }) {
    Object.assign(this, { template: section.querySelector('#row'), words });
  }

  build(item) {
    const row = this.template.content.querySelector('tr').cloneNode(true);
    const label = cut(item.title, LABEL_BYTES);
    row.id = `n-${item.id}`;
    row.dataset.rev = item.rev;
    row.classList.toggle('unread', item.unread);
    const box = boxOf(row);
    box.setAttribute('value', item.id);
    box.setAttribute('aria-label', label);
    const severity = slot(row, 'severity');
    severity.className = `sev ${item.severity}`;
    severity.textContent = this.words.say(`severity_${item.severity}`);
    const title = slot(row, 'title');
    title.setAttribute('href', item.href);
    title.textContent = item.title;
    this.setOrDrop(slot(row, 'body'), cut(item.body ?? '', BRIEF_BYTES));
    slot(row, 'category').textContent = item.category_label;
    slot(row, 'source').textContent = item.source;
    const time = slot(row, 'time');
    time.setAttribute('datetime', item.created_at);
    this.age(time, Date.now(), true);
    this.buttons(row, item, label);
    if (item.validity === 'valid') slot(row, 'gone').remove();
    this.setOrDrop(slot(row, 'handled'), this.handled(item));
    for (const element of row.querySelectorAll('[data-slot]')) element.removeAttribute('data-slot');
    return row;
  }

  setOrDrop(element, text) {
    if (text) element.textContent = text;
    else element.remove();
  }

  handled(item) {
    return item.handled_by ? this.words.say('row_handled', item.handled_by) : '';
  }

  buttons(row, item, label) {
    const name = (button, text, value) => {
      button.setAttribute('value', value);
      button.setAttribute('aria-label', `${text}: ${label}`);
      button.textContent = text;
    };
    const comment = slot(row, 'comment');
    const says = item.actions.find((action) => action.comment)?.comment;
    if (says) {
      comment.querySelector('span').textContent = says;
      const field = comment.querySelector('textarea');
      field.name = `comment:${item.id}`;
      field.setAttribute('aria-label', `${says}: ${label}`);
    } else {
      comment.remove();
    }
    const pattern = slot(row, 'action');
    for (const { id, label: text } of item.actions) {
      const button = pattern.cloneNode();
      name(button, text, `act:${item.id}:${id}`);
      pattern.before(button, '\n');
    }
    pattern.remove();
    const what = item.hidden_at ? 'unhide' : 'hide';
    name(slot(row, 'hide'), this.words.say(`row_${what}`), `${what}:${item.id}`);
  }

  // Brings what can change up to date; what has the focus stays where it is.
  patch(row, item) {
    if (row.dataset.rev === String(item.rev)) return;
    row.dataset.rev = item.rev;
    row.classList.toggle('unread', item.unread);
    const head = titleOf(row).closest('th');
    if (item.validity !== 'valid' && !head.querySelector('.gone')) this.chip(head, 'gone');
    const handled = this.handled(item);
    if (handled && !head.querySelector('.handled, .chip:not(.gone, .failed)')) this.chip(head, 'handled', handled);
    const acts = new Set(item.actions.map(({ id }) => `act:${item.id}:${id}`));
    for (const button of row.querySelectorAll('button[value^="act:"]'))
      if (!acts.has(button.value)) button.remove();
    if (!acts.size) row.querySelector('.comment')?.remove();
  }

  chip(head, name, text) {
    const chip = this.template.content.querySelector(`[data-slot=${name}]`).cloneNode(true);
    chip.removeAttribute('data-slot');
    if (text) chip.textContent = text;
    head.append(chip);
  }

  // Why something did not work, where it did not; without a text: that is over.
  fault(row, text) {
    row.querySelector('.failed')?.remove();
    if (!text) return;
    titleOf(row).closest('th').append(make('span', { class: 'chip failed' }, text));
  }

  // Times within a week are relative and go on; older ones stay as they were written.
  age(time, now, always = false) {
    const at = Date.parse(time.dateTime);
    const text = this.words.since(at, now) ?? (always ? this.words.date.format(at) : null);
    if (text && text !== time.textContent) time.textContent = text;
  }
}
