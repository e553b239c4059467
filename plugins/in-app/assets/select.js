// SPDX-License-Identifier: Apache-2.0
// What is selected: rows that are shown, by their own checkboxes, or all that match the filter, shown or not.
// Invariants: the checkboxes are the state, so that a row that goes takes its selection with it; any change of the list
// by a filter, or of a single checkbox, ends "all matching".
import { make } from './words.js';
import { boxOf, idOf } from './row.js';

export class Selection extends EventTarget {
  constructor(page) {
    super();
    Object.assign(this, page, { matching: false, anchor: null });
    const { section, list } = page;
    this.box = section.querySelector('#select-all');
    this.note = section.querySelector('#selected');
    this.more = make('button', { type: 'button', id: 'select-matching', hidden: true });
    this.note.after(this.more);
    this.box.closest('label').hidden = false;
    this.box.addEventListener('change', () => this.setAll(this.box.checked));
    this.more.addEventListener('click', () => this.selectMatching());
    list.body.addEventListener('click', (event) => {
      const box = event.target.closest('input[name=ids]');
      if (box) this.set(box.closest('tr'), box.checked, event.shiftKey);
    });
    list.addEventListener('shown', () => this.update());
    this.update();
  }

  rows() {
    return this.list.all().filter((row) => boxOf(row).checked);
  }

  // range: from the row that was set last to this one
  set(row, on, range = false) {
    const rows = this.list.all();
    const [a, b] = [rows.indexOf(range ? this.anchor : row), rows.indexOf(row)];
    const [from, to] = a < 0 ? [b, b] : [Math.min(a, b), Math.max(a, b)];
    for (const one of rows.slice(from, to + 1)) boxOf(one).checked = on;
    this.anchor = row;
    this.matching = false;
    this.update();
  }

  toggle(row, range = false) {
    this.set(row, range || !boxOf(row).checked, range);
  }

  // on: all or none, or exactly those ids, where they are shown
  setAll(on) {
    for (const row of this.list.all()) boxOf(row).checked = on.has?.(idOf(row)) ?? on;
    this.matching = false;
    this.update();
  }

  selectMatching() {
    this.setAll(true);
    this.matching = true;
    this.update();
    this.speaker.tell(this.note.textContent);
    this.box.focus(); // the button that was pressed is gone
  }

  update() {
    const [count, shown, total] = [this.rows().length, this.list.body.rows.length, this.list.total];
    if (count < shown) this.matching = false;
    this.box.checked = count > 0 && count === shown;
    this.box.indeterminate = count > 0 && count < shown;
    this.note.textContent = this.matching ? this.words.count('all_selected', total)
      : count ? this.words.count('selected', count) : '';
    this.more.hidden = this.matching || count < shown || !count || total <= shown;
    this.more.textContent = this.words.count('select_matching', total);
    this.dispatchEvent(new Event('select'));
  }
}
