// SPDX-License-Identifier: Apache-2.0
// Makes the pictures of the documentation from a hub that got real triggers:
// node tests/pages/screenshots.mjs [DIRECTORY]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

const directory = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures', import.meta.url));

function demoConfig() {
  const config = baseConfig();
  config.categories = {
    CALC_BLOCKED: { label: 'Calculation blocked', visible_to: ['sales-manager'] }, workflow: { label: 'Assignments' },
    approval: { label: 'Approvals' }, invoice: { label: 'Invoices' }, sync: { label: 'Background work' },
  };
  config.sources = {
    crm: { plugin: 'workflow' }, deals: { plugin: 'approval' }, 'hr-sync': { plugin: 'sync' },
    billing: { plugin: 'invoice' },
  };
  return config;
}

// A picture of 1000 x 700 points with room for five rows
const SIZE = { viewport: { width: 1150, height: 805 }, deviceScaleFactor: 1000 / 1150, colorScheme: 'light' };

const hub = await Hub.start(demoConfig());
const browser = await launch();
try {
  await hub.belfry('demo', '--fast', '--org', 'acme');
  const page = await signIn(browser, hub, 'ann', SIZE);
  for (const title of ['Invoice shows', 'Booking'])
    await page.getByRole('button', { name: new RegExp(`^Mark read\\W+${title}`) }).click();
  await page.goto(`${hub.url}/acme/notifications`);
  await page.mouse.move(0, 0);
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, 'inbox.png') });
  console.log(join(directory, 'inbox.png'), (await page.locator('.row .title').allTextContents()).join(' | '));
} finally {
  await browser.close();
  await hub.stop();
}
