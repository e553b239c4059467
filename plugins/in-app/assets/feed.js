// SPDX-License-Identifier: Apache-2.0
// <belfry-feed>: the list of the bell as a part of the page.
import { define } from './elements/base.js';
import { node } from './elements/dom.js';
import { Holder } from './elements/holder.js';
import { Listing } from './elements/listing.js';

class Feed extends Holder {
  constructor() {
    super();
    this.shown = true;
    this.shadow.append(node('section', { class: 'box', 'aria-labelledby': 'title' }, this.bar), this.status);
  }

  update() {
    super.update();
    if (!this.listing) this.hold(Listing).load(true);
  }

  async listed() {
    return this.listing;
  }
}

define('belfry-feed', Feed);
