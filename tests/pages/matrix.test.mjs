// SPDX-License-Identifier: Apache-2.0
// axe-core finds nothing on any page in any state, wide and narrow, light and dark; nothing has to be scrolled sideways;
// nothing is complained about. With --long in every pair of width and theme, in forced colours, and as wide as a tablet.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, open, signIn } from '../node/support/browser.mjs';
import { STATES, addressOf, world } from './support/states.mjs';

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

for (const state of STATES) {
  test(state.name, async () => {
    const page = state.person ? await signIn(browser, here.hub, state.person) : await open(browser);
    const response = await page.goto(addressOf(state, here));
    assert.equal(response.status(), state.status ?? 200);
    page.complaints.length = 0; // Chromium reports the status of such a page itself
    await page.setViewportSize({ width: 1280, height: 800 });
    await state.act?.(page);
    await age(page);
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints.filter((text) => !text.includes('status of 401')), []);
    await page.context().close();
  });
}
