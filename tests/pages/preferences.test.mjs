// SPDX-License-Identifier: Apache-2.0
// The page of preferences in a browser, without scripts: every choice, every fault, on a narrow screen, in the dark and
// in German, with nothing that axe finds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, leave, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig, bearer, mint } from '../node/support/hub.mjs';

const NO_SCRIPT = { javaScriptEnabled: false };
let hub, browser;

before(async () => {
  const config = baseConfig();
  config.orgs.acme.users.ann.email = 'ann@acme.example';
  config.orgs.acme.users.dora = { name: 'Dora', email: 'dora@acme.example', locale: 'de', timezone: 'Europe/Berlin' };
  config.categories.safety = { label: 'Safety', required: true };
  config.categories.CALC_BLOCKED = { label: 'Calculation blocked', visible_to: ['sales-manager'] };
  config.categories.odd = { label: '<img src=x onerror=alert(1)> "& a name of a category that is too long for a card' };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

async function preferences(person, options = NO_SCRIPT) {
  const page = await signIn(browser, hub, person, options);
  await page.goto(`${hub.url}/acme/preferences`);
  return page;
}

const row = (page, label) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: label }) });
const save = (page) => leave(page, () => page.getByRole('button', { name: /Save|Speichern/ }).click());
const chosen = (person) => hub.get('/v1/acme/preferences', bearer(mint(person)));
const labels = (page) => page.getByRole('rowheader').allTextContents();

test('what one sees: categories of one\'s roles, always on in the app, required in words', async () => {
  const page = await preferences('ann');
  assert.ok((await labels(page)).includes('Calculation blocked'));
  assert.match(await page.locator('main').innerText(), /No mail is sent here yet/);
  assert.match(await row(page, 'News').innerText(), /Always on/);
  assert.match(await row(page, 'Safety').innerText(), /Required:/);
  assert.equal(await row(page, 'Safety').getByRole('radio').count(), 0);
  assert.equal(await row(page, 'News').getByLabel('If not viewed in time').isChecked(), true, 'as configured');
  assert.equal(await page.locator('main img').count(), 0, 'a label is text');
  assert.equal(await page.getByRole('link', { name: 'Preferences' }).getAttribute('aria-current'), 'page');
  assert.deepEqual(page.complaints, []);
  await page.context().close();

  const bob = await preferences('bob');
  assert.ok(!(await bob.content()).includes('Calculation blocked') && !(await bob.content()).includes('CALC_BLOCKED'));
  await bob.context().close();
});

test('everything that is chosen is there again, and what was left alone is not chosen', async () => {
  const page = await preferences('carl');
  await row(page, 'News').getByLabel('Off').check();
  await row(page, 'Trouble').getByLabel('Daily digest').check();
  await page.getByLabel('Time of day').selectOption('07:00');
  await page.getByLabel('Sunday').uncheck();
  await page.getByLabel('Quiet from').fill('22:00');
  await page.getByLabel('Quiet until').fill('06:30');
  await page.getByLabel('No mail until').fill('2099-01-31');
  await page.getByLabel('Language', { exact: true }).selectOption({ label: 'English (United Kingdom)' });
  await page.getByLabel('Time zone').fill('Asia/Tokyo');
  await page.getByLabel('Single keys').uncheck();
  await save(page);
  assert.match(page.url(), /\/acme\/preferences\?saved=1$/);
  assert.equal(await page.getByRole('status').innerText(), 'Your preferences were saved.');
  const saved = await chosen('carl');
  assert.deepEqual(saved, {
    email: { news: 'off', trouble: 'digest' }, default: null,
    digest: { hour: 7, weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
    timezone: 'Asia/Tokyo', locale: 'en-GB', pause_until: '2099-01-31', quiet: { from: '22:00', to: '06:30' },
    shortcuts: false,
  });
  assert.equal(await row(page, 'News').getByLabel('Off').isChecked(), true);
  assert.equal(await page.getByLabel('Time of day').inputValue(), '7');
  assert.equal(await page.getByLabel('Sunday').isChecked(), false);
  assert.equal(await page.getByLabel('Quiet until').inputValue(), '06:30');
  assert.match(await page.locator('#pause-hint').innerText(), /Mail is paused until 31 Jan 2099/);
  assert.equal(await page.getByLabel('Time zone').inputValue(), 'Asia/Tokyo');
  assert.equal(await page.getByLabel('Single keys').isChecked(), false);
  await save(page);
  assert.deepEqual(await chosen('carl'), saved, 'saving without a change changes nothing');
  await page.context().close();
});

test('faults lead to their fields, and what was typed stays', async () => {
  const page = await preferences('ann');
  await row(page, 'News').getByLabel('Off').check();
  await page.getByLabel('Time zone').fill('Mars/Base');
  await page.getByLabel('Quiet from').fill('22:00');
  for (const day of await page.getByRole('group', { name: 'On these days' }).getByRole('checkbox').all()) await day.uncheck();
  await save(page);
  const summary = page.getByRole('alert');
  const links = await summary.getByRole('link').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  assert.deepEqual(links.sort(), ['#quiet-to', '#timezone', '#weekday-mon']);
  assert.equal(await page.getByLabel('Time zone').inputValue(), 'Mars/Base');
  assert.equal(await row(page, 'News').getByLabel('Off').isChecked(), true);
  assert.equal(await page.getByLabel('Time zone').getAttribute('aria-invalid'), 'true');
  assert.match(await page.title(), /^Error:/);
  assert.deepEqual((await chosen('ann')).email, {});
  await summary.getByRole('link', { name: 'Choose a time zone' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'timezone');
  await page.getByLabel('Time zone').fill('Europe/Paris');
  await page.getByLabel('Quiet until').fill('07:00');
  await page.getByLabel('Monday').check();
  await save(page);
  assert.deepEqual((await chosen('ann')).email, { news: 'off' });
  await page.context().close();
});

test('a page that is older than what was saved elsewhere overwrites nothing', async () => {
  const [old, other] = [await preferences('bob'), await preferences('bob')];
  await row(other, 'News').getByLabel('Off').check();
  await save(other);
  await row(old, 'Trouble').getByLabel('Off').check();
  await save(old);
  assert.match(await old.getByRole('alert').innerText(), /changed elsewhere/);
  assert.deepEqual((await chosen('bob')).email, { news: 'off' });
  assert.equal(await row(old, 'Trouble').getByLabel('Off').isChecked(), true, 'still to be seen');
  await leave(old, () => old.getByRole('link', { name: 'Show the present preferences' }).click());
  await row(old, 'Trouble').getByLabel('Off').check();
  await save(old);
  assert.deepEqual((await chosen('bob')).email, { news: 'off', trouble: 'off' });
  for (const page of [old, other]) await page.context().close();
});

test('the language that one chooses is that of the next page', async () => {
  const page = await preferences('dora');
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Einstellungen');
  await page.getByLabel('Sprache', { exact: true }).selectOption({ label: 'English' });
  await save(page);
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await page.getByLabel('Language', { exact: true }).selectOption({ label: 'Deutsch (Österreich)' });
  await save(page);
  assert.equal(await page.getByRole('status').innerText(), 'Ihre Einstellungen wurden gespeichert.');
  await page.context().close();
});

for (const person of ['ann', 'dora'])
  test(`the page of ${person} has no faults, nor has what was typed wrongly`, async () => {
    const page = await preferences(person, {});
    assert.deepEqual(await flaws(page), []);
    await page.locator('#timezone').fill('Mars/Base');
    await page.locator('#quiet-to').fill('');
    await page.locator('#quiet-from').fill('09:00');
    await save(page);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert');
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints.filter((line) => !line.includes('422')), []);
    await page.context().close();
  });
