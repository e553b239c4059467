// SPDX-License-Identifier: Apache-2.0
// <belfry-tile>: "7 unread notifications", a link to them.
import { Base, define } from './elements/base.js';
import { node, sheetOf } from './elements/dom.js';
import { link } from './elements/link.js';

const sheet = sheetOf(`
.box>a{display:block;padding:12px 16px;color:inherit;text-decoration:none}
strong{font-size:1.8em;margin-inline-end:.3em}
`);

class Tile extends Base {
  constructor() {
    super();
    this.shadow.adoptedStyleSheets.push(sheet);
    this.box = node('div', { class: 'box' });
    this.shadow.append(this.box);
  }

  update() {
    super.update();
    this.draw();
  }

  draw() {
    const { unread, say } = this;
    const label = this.getAttribute('label') || say('title');
    const number = unread >= 0 ? unread.toLocaleString(this.language) : '–';
    // where the number stands in its sentence is the language's choice; a page's own may do without
    const [before, ...after] = (unread >= 0 ? say('unread', unread) : `${number} ${label}`).split(number);
    const strong = after.length ? [node('strong', { part: 'count' }, number), after.join(number)] : [];
    this.box.replaceChildren(link(this, { part: 'tile' }, this.inbox, null, before, ...strong));
  }
}

define('belfry-tile', Tile);
