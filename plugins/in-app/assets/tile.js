// SPDX-License-Identifier: Apache-2.0
// <belfry-tile>: "7 unread notifications", a link to them.
import { Base, define } from './elements/base.js';
import { node } from './elements/dom.js';

class Tile extends Base {
  constructor() {
    super();
    this.box = node('div', { class: 'box' });
    this.shadow.append(this.box);
  }

  draw() {
    const { unread, say } = this;
    const label = this.getAttribute('label') || say('title');
    const [number, ...words] = unread >= 0 ? say('unread', unread).split(' ') : ['–', label];
    this.box.replaceChildren(this.link({ part: 'tile' }, this.store ? this.inbox : '', null,
      node('strong', { part: 'count' }, number), ` ${words.join(' ')}`));
  }
}

define('belfry-tile', Tile);
