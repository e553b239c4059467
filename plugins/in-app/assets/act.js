// SPDX-License-Identifier: Apache-2.0
// The actions of a row (approve, reject, confirm), with the comment that belongs to them. Fetched with the first one.
// Invariant: while one is under way the row's others do nothing; none of them can be undone.
import { idOf } from './row.js';

export class Part {
  constructor(page) {
    Object.assign(this, page);
  }

  async act(row, action, comment) {
    const buttons = [...row.querySelectorAll('button[value^="act:"]')];
    if (buttons.some((button) => button.ariaDisabled)) return;
    this.maker.fault(row);
    for (const button of buttons) button.ariaDisabled = true;
    await this.actions.during([idOf(row)], async () => {
      try {
        await this.store.act(idOf(row), action, comment);
        this.actions.last = null;
        this.banners.clear('undo');
        this.speaker.tell(this.words.say('done_act'));
      } catch (failure) {
        this.actions.refused(failure, [row]);
      } finally {
        for (const button of buttons) button.ariaDisabled = null;
      }
    });
  }
}
