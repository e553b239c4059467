// SPDX-License-Identifier: Apache-2.0
// What is done to rows: shown at once, taken back with the reason when the hub refuses, and undone on demand.
// Invariants: every action is told once, politely when it worked, at once when it did not; only the last action can be
// undone, until the next one or until its banner is closed; rows that failed stay selected.
import { make } from './words.js';
import { idOf, titleOf } from './row.js';
import { reasonOf } from './notices.js';

const INVERSE = { read: 'unread', unread: 'read', hide: 'unhide', unhide: 'hide' };
const leaves = (what) => what === 'hide' || what === 'unhide';

export class Actions {
  constructor(page) {
    Object.assign(this, page);
    this.last = null;
  }

  // --- what is seen before the hub has answered

  // Shows it; gives back how to take it back, for some of the rows.
  show(rows, what) {
    const before = rows.map((row) => ({ row, unread: row.classList.contains('unread'), next: row.nextElementSibling }));
    for (const { row } of before) this.maker.fault(row);
    if (leaves(what)) this.list.removeAll(rows);
    else for (const { row } of before) this.paint(row, what === 'unread');
    return (ids) => {
      for (const { row, unread, next } of [...before].reverse()) {
        if (ids && !ids.has(idOf(row))) continue;
        if (leaves(what)) this.putBack(row, next);
        else row.classList.toggle('unread', unread);
      }
    };
  }

  // What is no longer valid or was handled never counts as unread. What the hub says next is believed, whatever revision
  // it is of: it may have left the row alone.
  paint(row, unread) {
    row.dataset.rev = '';
    row.classList.toggle('unread', unread && !row.querySelector('.chip:not(.failed)'));
  }

  putBack(row, next) {
    if (this.list.row(idOf(row))) return; // the list has brought it back
    if (next && !next.isConnected) next = null;
    const time = (one) => one.querySelector('time').dateTime;
    this.list.total += 1;
    this.list.body.insertBefore(row, next ?? this.list.all().find((other) => time(other) < time(row)) ?? null);
  }

  // Runs it while these ids are ours alone.
  async during(ids, work) {
    this.banners.clearOld();
    this.banners.clear('failed');
    for (const id of ids) this.list.busy.add(id);
    try {
      return await work();
    } finally {
      for (const id of ids) this.list.busy.delete(id);
    }
  }

  // --- marks

  // Of the rows that are shown
  async mark(rows, what) {
    if (!rows.length) return this.banners.clear('failed'); // they are gone meanwhile
    const single = rows.length === 1;
    const ids = rows.map(idOf);
    const changed = leaves(what) || rows.some((row) => row.classList.contains('unread') === (what === 'read'));
    const takeBack = this.show(rows, what);
    await this.during(ids, async () => {
      let answer;
      try {
        answer = single ? await this.store.mark(ids[0], what) : await this.store.bulk({ action: what, ids });
      } catch (failure) {
        takeBack();
        this.refused(failure, rows);
        return;
      }
      const failed = new Set((answer.failed ?? []).map(({ id }) => id));
      if (failed.size) {
        takeBack(failed);
        this.partly(what, answer.changed, failed);
      }
      const undo = single ? changed && (() => this.store.mark(ids[0], INVERSE[what]).then(() => 1))
        : this.undoOf(answer.undo);
      this.done(what, single ? 1 : answer.changed, undo, { ids, told: failed.size > 0 });
    });
    this.list.describe();
    this.selection.update();
  }

  // Of all that match the filter, but nothing that came after what is shown
  async markMatching(what) {
    await this.list.load().catch(() => {}); // the revision of what this page has done itself
    const { filter, rev } = this.list;
    const rows = this.list.all();
    const takeBack = this.show(rows, what);
    await this.during(rows.map(idOf), async () => {
      try {
        const answer = await this.store.bulk({ action: what, filter, as_of_rev: rev });
        this.done(what, answer.changed, this.undoOf(answer.undo));
      } catch (failure) {
        takeBack();
        this.refused(failure, []);
      }
    });
    this.selection.setAll(false);
  }

  // What the toolbar's buttons and the keys mean: the selection, else this row.
  markSelected(what, row) {
    if (this.selection.matching) return this.markMatching(what);
    const rows = this.selection.rows();
    return this.mark(rows.length || !row ? rows : [row], what);
  }

  // The reader follows the link; that it was read is said meanwhile.
  opened(row) {
    const takeBack = this.show([row], 'read');
    this.store.mark(idOf(row), 'read', true).catch(() => takeBack());
  }

  // --- how it went

  refused(failure, rows) {
    const reason = reasonOf(failure, this.words);
    if (!reason) return; // signed out: that is said for the whole page
    for (const row of rows) this.maker.fault(row, reason);
    const title = rows.length === 1 ? titleOf(rows[0]).textContent : '';
    this.speaker.warn(title ? this.words.say('failed_row', title, reason) : this.words.say('failed', reason));
  }

  partly(what, changed, failed) {
    const text = `${this.words.count(`done_${what}`, changed)} ${this.words.count('done_failed', failed.size)}`;
    const again = () => this.mark(this.list.all().filter((row) => failed.has(idOf(row))), what);
    this.selection.setAll(failed);
    this.banners.set('failed', text, make('button', { type: 'button', onclick: again }, this.words.say('retry')))
      .classList.add('warn');
    this.speaker.warn(text);
  }

  // How to take a change of many back; null where nothing was changed
  undoOf(op) {
    return op && (() => this.store.undo(op).then(({ changed }) => changed));
  }

  // undo: does it, and gives back how many rows are as they were; false when there is nothing to undo. ids: which rows
  // come back with it; without, all that match. told: it was said already.
  done(what, changed, undo, { ids, told = false } = {}) {
    const text = this.words.count(`done_${what}`, changed);
    this.last = undo ? { undo, ids } : null;
    this.from = document.activeElement;
    this.banners.clear('undo');
    if (undo)
      this.banners.set('undo', text,
        make('button', { type: 'button', onclick: () => this.undo() }, this.words.say('undo')),
        make('button', { type: 'button', onclick: () => this.dismiss() }, this.words.say('dismiss')));
    if (!told) this.speaker.tell(text);
  }

  dismiss() {
    this.last = null;
    this.closeBanner();
  }

  // The button that was pressed goes; whoever pressed it goes on where the action left them, or with what is in sight.
  closeBanner() {
    const pressed = this.banners.find('undo')?.contains(document.activeElement);
    this.banners.clear('undo');
    if (!pressed) return;
    if (this.from.closest('tr')?.isConnected) this.from.focus();
    else this.list.focus(this.list.place().first);
  }

  async undo(op) {
    const last = op ? { undo: this.undoOf(op) } : this.last;
    if (!last) return;
    this.last = null;
    try {
      const count = await last.undo();
      this.closeBanner();
      this.banners.clearOld();
      await this.list.load({ insert: last.ids ? new Set(last.ids) : true }).catch(() => {});
      this.speaker.tell(this.words.count('done_undo', count));
    } catch (failure) {
      if (failure.status === 0 || failure.status >= 500) this.last = last; // it can be tried again
      this.refused(failure, []);
    }
  }
}
