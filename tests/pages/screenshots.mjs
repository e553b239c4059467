// SPDX-License-Identifier: Apache-2.0
// Makes the pictures of the documentation, of every page and state:
// node tests/pages/screenshots.mjs DIRECTORY [NAME...]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, open, signIn } from '../node/support/browser.mjs';
import { STATES, addressOf, world } from './support/states.mjs';

const [directory, ...names] = process.argv.slice(2);
const SHAPES = {
  '': { viewport: { width: 1150, height: 805 }, colorScheme: 'light' },
  '-dark': { viewport: { width: 1150, height: 805 }, colorScheme: 'dark' },
  '-narrow': { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  '-contrast': { viewport: { width: 1150, height: 805 }, colorScheme: 'dark', forcedColors: 'active' },
};

mkdirSync(directory, { recursive: true });
const [here, browser] = await Promise.all([world(), launch()]);
try {
  for (const state of STATES.filter(({ name }) => !names.length || names.includes(name))) {
    for (const [suffix, options] of Object.entries(SHAPES)) {
      const page = state.person ? await signIn(browser, here.hub, state.person, options) : await open(browser, options);
      await page.goto(addressOf(state, here));
      await state.act?.(page);
      await page.mouse.move(0, 0);
      await page.screenshot({ path: join(directory, `${state.name}${suffix}.png`) });
      await page.context().close();
    }
    console.log(state.name);
  }
} finally {
  await browser.close();
  await here.stop();
}
