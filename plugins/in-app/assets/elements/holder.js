// SPDX-License-Identifier: Apache-2.0
// What bell and feed have in common: they hold a list. Where it comes from is their own affair: listed() promises it.
import { Base } from './base.js';
import { node } from './dom.js';

export class Holder extends Base {
  constructor() {
    super();
    this.heading = node('h2', { id: 'title', part: 'title', tabindex: '-1' });
    this.bar = node('div', { class: 'bar', part: 'header' }, node('slot', { name: 'header' }, this.heading));
  }

  // The list is there: it appears below the bar.
  hold(Listing) {
    this.listing = new Listing(this);
    this.bar.after(...this.listing.content);
    this.listing.update();
    this.draw();
    return this.listing;
  }

  update() {
    super.update();
    this.listing?.update();
    this.draw();
  }

  join(used) {
    super.join(used);
    this.listing?.load(true);
  }

  forget() {
    super.forget();
    this.listing?.forget();
  }

  draw() {
    this.heading.textContent = this.getAttribute('label') || this.say('title');
    this.listing?.draw();
  }

  changed(all) {
    super.changed(all);
    this.listing?.load(all);
  }

  activated(item) {
    if (item) this.listing.opened(item);
  }

  // Numbers and rows as the hub has them now. Starts no job of the sources.
  async refresh() {
    await Promise.all([super.refresh(), this.listing?.load()]);
  }

  async markRead(ids) {
    await (await this.listed()).bulk('read', { ids });
  }

  async hide(ids) {
    await (await this.listed()).bulk('hide', { ids });
  }
}
