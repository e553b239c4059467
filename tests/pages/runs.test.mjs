// SPDX-License-Identifier: Apache-2.0
// The run log in a browser: P6 of the mission, and the page behind an overview that is no longer valid (Y3). Without
// scripts, with no fault that axe finds, and with everything that comes from outside as text.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, leave, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

const NO_SCRIPT = { javaScriptEnabled: false };
const LOG = ['09:00 Accounts: 12 new', '09:01 <img src=x onerror=alert(1)> & more', '\u001b[31m09:02 a red line\u001b[0m'];
let hub, browser;

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

async function start(id, kind, admin, seconds) {
  await hub.send('sync.started', { run: { id, kind, admin } }, 'hr-sync', { time: ago(seconds) });
}

async function finish(id, outcome, seconds, more = {}) {
  await hub.send('sync.finished', { run: { id }, outcome, ...more }, 'hr-sync', { time: ago(seconds) });
}

before(async () => {
  const config = baseConfig();
  config.sources['hr-sync'] = { plugin: 'sync' };
  Object.assign(config.orgs.acme.users, { ada: { name: 'Ada Admin', roles: ['admin'] }, ben: { roles: ['admin'] } });
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await start('sync-1', 'sync', 'ada', 4000);
  await finish('sync-1', 'succeeded', 3910, { counts: { created: 12, updated: 480, '<b>odd</b>': 'x' }, log: LOG });
  await start('import-1', 'import', 'ben', 3000);
  await finish('import-1', 'failed', 2000, { log: 'The file ends in the middle of line 4,711.' });
  await start('overview-1', 'overview', 'ada', 1500);
  await finish('overview-1', 'partial', 1000, { url: '/acme/notifications?overview=1' });
  await start('recalculation-1', 'recalculation', 'bob', 200);
  await hub.send('sync.progress', { run: { id: 'recalculation-1' }, done: 120, total: 500, note: 'Quarter 2' }, 'hr-sync');
  for (let i = 0; i < 60; i++) {
    await start(`old-${i}`, 'sync', 'ben', 9000 + i);
    await finish(`old-${i}`, 'succeeded', 8990 + i);
  }
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const rows = (page) => page.locator('tbody tr').count();
const names = (page) => page.locator('tbody th').allTextContents();

test('P6: from the inbox a completed sync leads to its log', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await leave(page, () => page.getByRole('link', { name: 'Sync completed' }).click());
  assert.equal(new URL(page.url()).pathname, '/acme/runs/hr-sync/sync-1');
  assert.match(await page.locator('.facts').innerText(), /Succeeded[^]*ada[^]*1 min 30 s/);
  assert.deepEqual(await page.locator('.counts tbody tr').allInnerTexts(), ['created\t12', 'updated\t480', '<b>odd</b>\tx']);
  assert.equal(await page.locator('.log').innerText(),
    '09:00 Accounts: 12 new\n09:01 <img src=x onerror=alert(1)> & more\n09:02 a red line\n');
  assert.equal(await page.locator('main img, main b').count(), 0, 'a log is text');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('P6: runs are listed newest first, and filters are in the address', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await leave(page, () => page.getByRole('link', { name: 'Runs', exact: true }).click());
  await leave(page, () => page.getByRole('link', { name: 'hr-sync' }).click());
  assert.equal(await rows(page), 50);
  assert.deepEqual((await names(page)).slice(0, 4),
    ['Recalculation recalculation-1', 'Overview overview-1', 'Import import-1', 'Sync sync-1']);
  await leave(page, () => page.getByRole('link', { name: 'Older' }).click());
  assert.equal(await rows(page), 14);
  await leave(page, () => page.getByRole('link', { name: 'Newest' }).click());
  await page.getByLabel('Outcome').selectOption('Failed');
  await page.getByLabel('Started by').fill('ben');
  await leave(page, () => page.getByRole('button', { name: 'Show' }).click());
  assert.deepEqual(await names(page), ['Import import-1']);
  const address = new URL(page.url());
  assert.equal(address.searchParams.get('outcome'), 'failed');

  const other = await signIn(browser, hub, 'ben');
  await other.goto(address.href);
  assert.deepEqual(await names(other), ['Import import-1']);
  assert.equal(await other.getByLabel('Outcome').inputValue(), 'failed');
  await other.goto(`${hub.url}/acme/runs/hr-sync?kind=No%20kind&from=yesterday`);
  assert.match(await other.locator('main [role=status]').innerText(), /left out: kind must be a word/);
  await leave(other, () => other.getByRole('link', { name: 'import-1' }).click());
  assert.match(await other.locator('.log').innerText(), /middle of line 4,711/);
  assert.deepEqual(other.complaints, []);
  await page.context().close();
  await other.context().close();
});

test('a run that goes on shows how far it is; people see their own only', async () => {
  const page = await signIn(browser, hub, 'bob', NO_SCRIPT);
  await page.goto(`${hub.url}/acme/runs/hr-sync`);
  assert.deepEqual(await names(page), ['Recalculation recalculation-1']);
  assert.equal(await page.getByLabel('Started by').count(), 0);
  await leave(page, () => page.getByRole('link', { name: 'recalculation-1' }).click());
  assert.match(await page.locator('.facts').innerText(), /Running in the background[^]*120 of 500: Quarter 2/);
  assert.equal((await page.goto(`${hub.url}/acme/runs/hr-sync/sync-1`)).status(), 404);
  assert.match(await page.locator('h1').innerText(), /no such run/);
  await page.context().close();
});

const PAGES = {
  'the sources with runs': '/acme/runs',
  'the list': '/acme/runs/hr-sync',
  'a list with a fault': '/acme/runs/hr-sync?kind=%20&outcome=failed&from=2026-01-05T00:00:00Z',
  'an empty list': '/acme/runs/hr-sync?kind=nothing',
  'a run': '/acme/runs/hr-sync/sync-1',
  'a run that goes on': '/acme/runs/hr-sync/recalculation-1',
  'an overview': '/acme/runs/hr-sync/overview-1',
};
for (const [what, path] of Object.entries(PAGES)) {
  test(`${what} has no faults`, async () => {
    const page = await signIn(browser, hub, 'ada');
    assert.equal((await page.goto(hub.url + path)).status(), 200);
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

test('Y3: an overview that another admin supersedes says that its data is no longer valid', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await page.goto(`${hub.url}/acme/runs/hr-sync/overview-1`);
  assert.match(await page.locator('main').innerText(), /valid until/);
  assert.equal(await page.getByRole('link', { name: 'Open the result' }).count(), 1);
  await start('overview-2', 'overview', 'ben', 0);
  await page.reload();
  assert.match(await page.locator('main').innerText(), /no longer valid/);
  assert.equal(await page.getByRole('link', { name: 'Open the result' }).count(), 0);
  await page.goto(`${hub.url}/acme/notifications`);
  const row = page.locator('.row', { hasText: 'Overview is ready in part' });
  assert.match(await row.innerText(), /No longer valid/);
  await leave(page, () => row.getByRole('link').click());
  assert.match(await page.locator('h1').innerText(), /no longer valid/);
  await page.context().close();
});
