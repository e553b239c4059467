// SPDX-License-Identifier: Apache-2.0
// P3 with the page's script: Refresh shows how far the job is, reloads the list in place, and says what came of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults, launch, stopTime } from '../node/support/browser.mjs';
import { Feed } from '../node/support/feed.mjs';
import { focus, openInbox, row, said, selected, titles, told } from '../node/support/inbox.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

let hub, browser, feed, people = 0;
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

async function somebody(count) {
  const name = `fresh-${people += 1}`;
  for (let i = 1; i <= count; i += 1) await hub.case(name, 'calm', `Case ${i}`);
  return name;
}
const news = (who, name) => feed.add('record.created', {
  record: { object: 'Case', id: `${who}-${name}`, url: 'https://crm.example/c', owner: 'carl', created_by: 'carl',
    fields: { for: who, kind: 'calm', name } },
});
const button = (page) => page.locator('button[value=refresh]');
const posts = (page) => {
  const all = [];
  page.on('request', (request) => { if (request.url().endsWith('/refresh')) all.push(request); });
  return all;
};
// Lets the page's own time go on until it is so.
const run = (page, condition, what) => until(async () => {
  await page.clock.runFor(500);
  return condition();
}, what);
const close = (page) => page.context().close();

test('Refresh keeps selection, focus and scroll; pressed twice it is one job; the result is told once', async () => {
  const who = await somebody(30);
  const page = await openInbox(browser, hub, who);
  const asked = posts(page);
  await row(page, 'Case 8').locator('input').check();
  await row(page, 'Case 7').locator('.title').focus();
  await page.evaluate(() => scrollTo(0, 900));
  const top = () => row(page, 'Case 8').evaluate((one) => Math.round(one.getBoundingClientRect().top));
  const [before, open] = [await top(), feed.close()];
  news(who, 'New one');
  await page.keyboard.press('r');
  await page.locator('[data-kind=job] progress').waitFor();
  await page.keyboard.press('r');
  assert.equal(await button(page).textContent(), 'Refreshing…');
  assert.equal(await button(page).getAttribute('aria-disabled'), 'true');
  assert.deepEqual(await faults(page), []);
  open();
  await row(page, 'New one').waitFor();
  await until(async () => await button(page).getAttribute('aria-disabled') === null, 'the button is as it was');
  assert.equal(asked.length, 1);
  assert.equal(await page.locator('[data-kind=job], [data-kind=new]').count(), 0);
  assert.equal((await titles(page))[0], 'New one');
  assert.equal(await focus(page), 'Case 7 / 2');
  assert.deepEqual(await selected(page), ['Case 8']);
  assert.ok(Math.abs(await top() - before) <= 60, `${await top()} was ${before}`);
  assert.deepEqual(await said(page), [['status', 'Refreshed: 1 new.']]);
  const banner = page.locator('[data-kind=refreshed]');
  assert.equal(await banner.locator('p').textContent(), 'Refreshed: 1 new.', 'those who see are told as well');
  await banner.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await banner.count(), 0);
  assert.equal(await focus(page), 'refresh');
  assert.deepEqual(page.complaints, []);
  await close(page);
});

test('a job of more than 30 s: told once, Refresh can be pressed again, joins it and says how far it is', async () => {
  const who = await somebody(1);
  const page = await openInbox(browser, hub, who, { prepare: stopTime });
  const asked = posts(page);
  const open = feed.close();
  news(who, 'Slow one');
  await button(page).click();
  await run(page, () => page.locator('[data-kind=job]').count(), 'it is under way');
  assert.deepEqual(await said(page), []);
  const messages = [];
  const hear = async () => messages.push(...await told(page));
  await run(page, hear, 'it takes long');
  assert.deepEqual(messages, [['status', 'Still refreshing in the background; the list will update.']]);
  assert.equal(await button(page).textContent(), 'Refresh');
  assert.equal(await button(page).getAttribute('aria-disabled'), null);
  await button(page).click();
  await until(async () => await hear() > 1, 'it is told how far it is');
  assert.match(messages[1][1], /^Looking for what is new: \d+ %$/);
  const jobs = await Promise.all(asked.map(async (request) => (await (await request.response()).json()).job));
  assert.equal(jobs.length, 2);
  assert.equal(jobs[0], jobs[1], 'the hub has one job');
  open();
  await run(page, () => row(page, 'Slow one').count(), 'it ends');
  await run(page, async () => await hear() > 2, 'the result is told');
  assert.deepEqual(messages[2], ['status', 'Refreshed: 1 new.']);
  await close(page);
});

test('too often: told once, the seconds are counted down on the button, then it can be pressed', async () => {
  const page = await openInbox(browser, hub, await somebody(1), { prepare: stopTime });
  await page.route('**/refresh', (route) => route.fulfill({ status: 429, headers: { 'retry-after': '8' }, json: {} }));
  await button(page).click();
  await page.locator('button[value=refresh]', { hasText: 'Try again in 8 s' }).waitFor();
  await page.clock.runFor(3000);
  await page.locator('button[value=refresh]', { hasText: /in [56] s/ }).waitFor();
  assert.equal(await button(page).getAttribute('aria-disabled'), 'true');
  assert.equal(await focus(page), 'refresh');
  await run(page, async () => await button(page).textContent() === 'Refresh', 'it is over');
  assert.equal(await button(page).getAttribute('aria-disabled'), null);
  assert.deepEqual(await said(page), [['status', 'Try again in 8 s']]);
  await close(page);
});
