// SPDX-License-Identifier: Apache-2.0
// Which rows were looked at: half of it, or half a window of it, in sight for a second, in a tab that is visible. Only
// then is a row seen; it holds back the mail about it and changes nothing on the page.

import { idOf } from './row.js';

const LOOKED_MS = 1000;

export class Seen {
  constructor({ store, list }) {
    this.timers = new Map(); // row -> timer
    this.done = new WeakSet();
    this.inSight = new Set();
    const look = (row) => {
      if (this.timers.has(row) || this.done.has(row)) return;
      this.timers.set(row, setTimeout(() => {
        this.timers.delete(row);
        if (!row.isConnected) return;
        this.done.add(row);
        this.observer.unobserve(row);
        store.seen([idOf(row)]);
      }, LOOKED_MS));
    };
    const stop = (row) => {
      clearTimeout(this.timers.get(row));
      this.timers.delete(row);
    };
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, intersectionRatio, intersectionRect } of entries) {
        const on = intersectionRatio >= 0.5 || intersectionRect.height >= innerHeight / 2;
        this.inSight[on ? 'add' : 'delete'](target);
        if (on && !document.hidden) look(target);
        else stop(target);
      }
    }, { threshold: [0, 0.25, 0.5] });
    document.addEventListener('visibilitychange', () => {
      const on = !document.hidden;
      for (const row of this.inSight) (on ? look : stop)(row);
    });
    const watch = () => {
      for (const row of this.inSight) if (!row.isConnected) this.inSight.delete(row);
      for (const row of list.all()) if (!this.done.has(row)) this.observer.observe(row);
    };
    list.addEventListener('shown', watch);
    watch();
  }
}
