// SPDX-License-Identifier: Apache-2.0
// <belfry-feed>: the list of the bell as a part of the page.
import { define } from './elements/base.js';
import { node } from './elements/dom.js';
import { Listing } from './elements/listing.js';

class Feed extends Listing {
  constructor() {
    super();
    this.shown = true;
    this.shadow.append(node('section', { class: 'box', 'aria-labelledby': 'title' }, ...this.content), this.status);
  }

  join(used) {
    super.join(used);
    this.load();
  }
}

define('belfry-feed', Feed);
