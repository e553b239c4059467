// SPDX-License-Identifier: Apache-2.0
// axe-core finds nothing on any page in any state, wide and narrow, light and dark; nothing has to be scrolled sideways;
// nothing is complained about. With --long also in forced colours and at the width of a tablet.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults, launch, open, signIn } from '../node/support/browser.mjs';
import { STATES, addressOf, world } from './support/states.mjs';

const WIDTHS = process.env.BELFRY_LONG ? [1280, 800, 320] : [1280, 320];
const THEMES = [{ colorScheme: 'light' }, { colorScheme: 'dark' },
  ...(process.env.BELFRY_LONG ? [{ colorScheme: 'light', forcedColors: 'active' }] : [])];

let here, browser;
before(async () => {
  [here, browser] = await Promise.all([world(), launch()]);
});
after(async () => {
  await browser?.close();
  await here?.stop();
});

// As it looks in a year: a fresh row has the shortest time there is.
async function age(page) {
  await page.evaluate(() => {
    for (const time of document.querySelectorAll('.row time')) time.textContent = '11 months ago';
  });
}

async function look(page, where) {
  const found = (await faults(page)).map((fault) => `${where}: ${fault}`);
  const { wide, seen } = await page.evaluate(() =>
    ({ wide: document.scrollingElement.scrollWidth, seen: document.documentElement.clientWidth }));
  return wide > seen ? [...found, `${where}: ${wide} wide`] : found;
}

for (const state of STATES) {
  test(state.name, async () => {
    const page = state.person ? await signIn(browser, here.hub, state.person) : await open(browser);
    const response = await page.goto(addressOf(state, here));
    assert.equal(response.status(), state.status ?? 200);
    page.complaints.length = 0; // Chromium reports the status of such a page itself
    await page.setViewportSize({ width: WIDTHS[0], height: 800 });
    await state.act?.(page);
    await age(page);
    const found = [];
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const theme of THEMES) {
        await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'reduce', ...theme });
        found.push(...await look(page, `${width} ${Object.values(theme).join(' ')}`));
      }
    }
    assert.deepEqual(found, []);
    assert.deepEqual(page.complaints.filter((text) => !text.includes('status of 401')), []);
    await page.context().close();
  });
}
