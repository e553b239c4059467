// SPDX-License-Identifier: Apache-2.0
// What only a script can add to the console: the overview that keeps itself fresh, and can be stopped (WCAG 2.2.2);
// copying; selecting all rows. Everything else is links and forms.
import { copying } from '../../site/assets/copy.js';

const REFRESH_MS = 10000;
const PAUSED = 'belfry.console.paused';

// The overview is loaded again, unless somebody is in the middle of something: reading it with the keyboard, looking
// elsewhere, or having stopped it. The choice is kept for this tab.
function live(box) {
  const button = document.getElementById('live-pause');
  const text = document.getElementById('live-text');
  const paused = () => sessionStorage.getItem(PAUSED) === 'yes';
  const show = () => {
    text.textContent = paused() ? text.dataset.off : text.dataset.on;
    button.textContent = paused() ? button.dataset.go : button.dataset.pause;
  };
  button.addEventListener('click', () => {
    sessionStorage.setItem(PAUSED, paused() ? 'no' : 'yes');
    show();
  });
  const busy = () => document.hidden || document.activeElement?.closest('main');
  setInterval(() => { if (!paused() && !busy()) location.reload(); }, REFRESH_MS);
  show();
  box.hidden = false;
}

// The box in the head of a table is checked, mixed or empty as its rows are.
function selecting(all) {
  const boxes = [...all.closest('form').querySelectorAll('input[name=ids]')];
  const show = () => {
    const checked = boxes.filter((box) => box.checked).length;
    all.checked = checked > 0 && checked === boxes.length;
    all.indeterminate = checked > 0 && checked < boxes.length;
  };
  all.addEventListener('change', () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener('change', show);
  all.closest('label').hidden = false;
  show();
}

const box = document.getElementById('live');
if (box) live(box);
for (const button of document.querySelectorAll('[data-copy]')) copying(button);
for (const all of document.querySelectorAll('[data-select-all]')) selecting(all);
