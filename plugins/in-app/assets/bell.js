// SPDX-License-Identifier: Apache-2.0
// <belfry-bell>: a button with the number of unread notifications, and their list, which opens from it and is fetched
// then, from beside this file. Opening marks nothing as read. No key is taken from the page.
import { define } from './elements/base.js';
import { drawing, node } from './elements/dom.js';
import { Holder } from './elements/holder.js';

const ANNOUNCED_MS = 60_000;
const SHAPE = 'M12 2a2 2 0 0 0-2 2v.4A6 6 0 0 0 6 10v5l-2 3v1h16v-1l-2-3v-5a6 6 0 0 0-4-5.6V4a2 2 0 0 0-2-2zM10 20a2 2 0 0 0 4 0z';

class Bell extends Holder {
  constructor() {
    super();
    this.heading.autofocus = true; // when the list opens
    this.badge = node('b', { part: 'badge', 'aria-hidden': 'true', hidden: true });
    this.button = node('button', {
      id: 'button', part: 'button', popovertarget: 'panel', 'aria-haspopup': 'dialog', 'aria-controls': 'panel',
      'aria-expanded': 'false', click: () => { this.reason = 'button'; },
    }, node('slot', { name: 'icon' }, drawing(SHAPE)), this.badge);
    this.missing = node('p', { part: 'error', role: 'alert', hidden: true });
    this.panel = node('div', {
      id: 'panel', class: 'box', part: 'popover', popover: 'auto', role: 'dialog', 'aria-labelledby': 'title',
      keydown: ({ key }) => { if (key === 'Escape') this.reason = 'escape'; },
      beforetoggle: ({ newState }) => this.toggles(newState === 'open'),
      toggle: ({ newState }) => this.toggled(newState === 'open'),
    }, this.bar, this.missing);
    this.shadow.append(this.button, this.panel, this.status);
  }

  get shown() {
    return this.panel.matches(':popover-open');
  }

  update() {
    super.update();
    const open = this.hasAttribute('open');
    if (this.isConnected && open === !this.goal) this[open ? 'open' : 'close']();
  }

  // The browser closes what leaves the document, and says nothing; one that was moved opens again.
  disconnectedCallback() {
    super.disconnectedCallback();
    this.goal = false;
  }

  // Chromium gives the focus of a popover in a shadow tree to nobody when Esc closes it.
  toggles(open) {
    if (!open && this.panel.contains(this.shadow.activeElement)) queueMicrotask(() => this.button.focus());
    this.button.ariaExpanded = open;
    this.goal = open; // while it is on its way there
    this.toggleAttribute('open', open);
  }

  toggled(open) {
    if (open) {
      this.emit('open');
      this.fill();
    } else this.emit('close', { reason: this.reason ?? 'dismiss' });
    this.reason = null;
  }

  // --- the list

  // All that ask wait for the same one; a failure is forgotten, so that it can be tried again.
  listed() {
    this.coming ??= import(new URL('listing.js', import.meta.url)).then(({ Listing }) => this.hold(Listing));
    this.coming.catch(() => { this.coming = null; });
    return this.coming;
  }

  async fill() {
    try {
      (await this.listed()).load(true);
      this.missing.hidden = true;
    } catch {
      this.missing.hidden = false;
      this.missing.replaceChildren(this.say('unloaded'),
        node('button', { click: () => { this.heading.focus(); this.fill(); } }, this.say('retry')));
    }
  }

  // --- the popover

  open() {
    if (!this.isConnected) this.toggleAttribute('open', true); // as soon as it is
    else if (!this.shown) this.panel.showPopover();
  }

  close(reason = 'api') {
    this.removeAttribute('open');
    if (!this.shown) return;
    this.reason = reason;
    this.panel.hidePopover();
  }

  activated(item, plain) {
    super.activated(item);
    if (plain && this.shown) this.close('activate');
  }

  draw() {
    super.draw();
    const { unread = 0, say } = this;
    const most = parseInt(this.getAttribute('max-count')) || 99;
    this.badge.hidden = !unread;
    this.badge.textContent = unread > most ? `${most}+` : unread;
    this.button.ariaLabel = this.heading.textContent + (unread ? `, ${say('count', unread)}` : '');
    // said when it grew, and not to somebody who looks at the list
    if (unread > this.told && !this.shown && !(Date.now() - this.toldAt < ANNOUNCED_MS)) {
      this.status.textContent = say('unread', unread);
      this.toldAt = Date.now();
    }
    if (this.ready) this.told = unread;
  }
}

define('belfry-bell', Bell);
