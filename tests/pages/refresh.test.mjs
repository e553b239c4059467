// SPDX-License-Identifier: Apache-2.0
// P3 in a browser without scripts: Refresh starts a job, the page shows its progress, and reloads when it ends.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, leave, signIn } from '../node/support/browser.mjs';
import { Feed } from '../node/support/feed.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const PICTURES = process.env.BELFRY_PICTURES; // a directory, for people who want to look

let hub, browser, feed;
before(async () => {
  const config = baseConfig();
  feed = await Feed.start();
  config.sources.crm.feed = feed.option();
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await until(() => feed.asked > 0, 'the feed is asked');
});
after(async () => {
  await browser?.close();
  await hub?.stop();
  await feed?.stop();
});

const titles = (page) => page.locator('.row .title').allTextContents();
const note = (page) => page.locator('.banner');
async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, name), fullPage: true });
}
const lead = (owner) => ({ object: 'Lead', id: '1', url: 'https://crm.example.org/1', owner, fields: { name: 'Lead' } });
const caseOf = (who, name) => ({
  record: { object: 'Case', id: name, url: 'https://crm.example.org/c', owner: 'carl', created_by: 'carl',
    fields: { for: who, kind: 'calm', name } },
});

const NO_SCRIPT = { javaScriptEnabled: false };
const BUTTON = /^Refresh/; // "Refreshing…" meanwhile

test('newest rows appear and progress is shown, without a script', async () => {
  const who = 'bob';
  feed.add('record.created', { record: { ...lead(who), id: who, created_by: 'carl' } });
  const page = await signIn(browser, hub, who, NO_SCRIPT);
  await leave(page, () => page.getByRole('button', { name: BUTTON }).click());
  await page.getByText('1 new.').waitFor();

  const open = feed.close();
  feed.add('record.updated', { record: { ...lead('carl'), id: who }, changed_by: 'carl' });
  for (const name of ['One', 'Two', 'Three']) feed.add('record.created', caseOf(who, `${name} of ${who}`));
  await leave(page, () => page.getByRole('button', { name: BUTTON }).click());
  assert.match(new URL(page.url()).search, /^\?job=/);
  assert.equal(await page.getByRole('progressbar').getAttribute('value'), '0');
  assert.equal(await page.getByRole('button', { name: BUTTON }).getAttribute('aria-disabled'), 'true');
  assert.equal((await titles(page)).length, 1, 'what was there stays to be read');
  await picture(page, `refresh-running-${who}.png`);
  open();
  await page.getByText('3 new, 1 no longer valid.').waitFor(); // the page reloads by itself
  assert.deepEqual((await titles(page)).slice(0, 3), [`Three of ${who}`, `Two of ${who}`, `One of ${who}`]);
  assert.equal(await page.getByRole('button', { name: BUTTON }).getAttribute('aria-disabled'), null);
  await picture(page, `refresh-done-${who}.png`);
  await leave(page, () => page.getByRole('button', { name: BUTTON }).click());
  await page.getByText('Nothing new.').waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('the page says when a system could not be asked', async () => {
  const page = await signIn(browser, hub, 'ann', NO_SCRIPT);
  feed.status = 500;
  await leave(page, () => page.getByRole('button', { name: BUTTON }).click());
  await page.getByText('Nothing new. Not everything could be asked; there may be more.').waitFor();
  assert.match(await note(page).getAttribute('class'), /warn/);
  await picture(page, 'refresh-failed.png');
  feed.status = 200;
  await page.context().close();
});
