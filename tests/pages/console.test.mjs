// SPDX-License-Identifier: Apache-2.0
// The console in a browser: no fault that axe finds, narrow and wide, light and dark; with the keyboard and without
// scripts; and the little that its script adds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { faults, flaws, launch, leave, signIn, stopTime } from '../node/support/browser.mjs';
import { Hub, withHook } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const NO_SCRIPT = { javaScriptEnabled: false };
const LONG = `<img src=x onerror=alert(1)> ${'x'.repeat(200)}`;
let hub, browser, event, delivery, endpoint;

const api = (path) => hub.get(`/v1/acme${path}`);

before(async () => {
  const config = withHook('http://127.0.0.1:1/nobody-listens-here', { schedule: ['1h'] });
  config.orgs.acme.users.ada = { name: 'Ada Admin', roles: ['admin'] };
  config.categories.secret = { label: 'Secret', visible_to: ['sales-manager'] };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await hub.case('bob', 'odd', LONG);
  await hub.case('bob', 'calm', 'הודעה חדשה');
  [event] = (await api('/events?type=workflow.odd')).items;
  [delivery] = await until(async () => {
    const { items } = await api('/deliveries?channel=hooks');
    return items.length && items.every((item) => item.attempts > 0) && items;
  }, 'both were tried');
  [endpoint] = (await api('/endpoints')).items;
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const PAGES = {
  'the overview': () => '',
  'the events': () => '/events',
  'no events': () => '/events?type=nothing',
  'a wrong filter': () => ['/deliveries?state=nonsense', 400],
  'an event': () => `/events/${event.id}?who=bob`,
  'an event that is not there': () => ['/events/nothing', 404],
  'the form of a dry run': () => '/explain',
  'the deliveries': () => '/deliveries',
  'a delivery': () => `/deliveries/${delivery.id}?done=retried&n=2&failed=1`,
  'the dead letters': () => '/dead-letters',
  'the endpoints': () => '/endpoints',
  'an endpoint': () => `/endpoints/${endpoint.id}`,
  'the plugins': () => '/plugins',
  'the categories': () => '/categories',
  'who sees a category': () => '/categories/secret',
  'the audit': () => '/audit',
};
for (const [what, address] of Object.entries(PAGES)) {
  test(`${what} has no faults`, async () => {
    const page = await signIn(browser, hub, 'ada');
    const [path, status] = [address()].flat();
    assert.equal((await page.goto(`${hub.url}/acme/admin${path}`)).status(), status ?? 200);
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    assert.deepEqual(await flaws(page), []);
    assert.equal(await page.locator('main img').count(), 0, 'a title is text');
    assert.deepEqual(page.complaints.filter((text) => !(status && text.includes(`status of ${status}`))), []);
    await page.context().close();
  });
}

test('without scripts: from the overview to the reason, and back with a dry run', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await leave(page, () => page.getByRole('link', { name: 'Administration' }).click());
  await leave(page, () => page.getByRole('link', { name: LONG }).click());
  await page.getByLabel('Who').fill('ann');
  await leave(page, () => page.getByRole('button', { name: 'Ask' }).click());
  assert.match(await page.locator('.about').innerText(), /ann is not among those who are told/);
  await leave(page, () => page.getByRole('button', { name: 'Reveal text and data' }).click());
  assert.match(await page.locator('#source-data').innerText(), /"object": "Case"/);
  await leave(page, () => page.getByRole('link', { name: 'What if' }).click());
  await page.getByRole('textbox', { name: 'Source' }).fill('crm');
  await leave(page, () => page.getByRole('button', { name: 'Try it' }).click());
  assert.match(await page.getByRole('status').innerText(), /makes 1 event/);
  assert.match(await page.locator('.person').first().innerText(), /ann would be told/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('without scripts: a delivery is cancelled with the keyboard', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await page.goto(`${hub.url}/acme/admin/deliveries/${delivery.id}`);
  await page.getByRole('button', { name: 'Cancel it' }).focus();
  await leave(page, () => page.keyboard.press('Enter'));
  assert.match(await page.getByRole('status').innerText(), /1 delivery was cancelled/);
  assert.equal((await api(`/deliveries/${delivery.id}`)).state, 'cancelled');
  await page.context().close();
});

test('the overview says that it refreshes, and stops when told to', async () => {
  const page = await signIn(browser, hub, 'ada');
  await page.goto(`${hub.url}/acme/admin`);
  assert.match(await page.locator('#live').innerText(), /Refreshes every 10 seconds/);
  await page.getByRole('button', { name: 'Pause' }).click();
  assert.match(await page.locator('#live').innerText(), /Not refreshed/);
  await page.reload();
  assert.match(await page.locator('#live').innerText(), /Not refreshed/);
  await page.getByRole('button', { name: 'Go on' }).click();
  assert.match(await page.locator('#live').innerText(), /Refreshes every 10 seconds/);
  await page.context().close();
});

test('the overview refreshes itself, but not under the hands of who is reading it or has stopped it', async () => {
  const page = await signIn(browser, hub, 'ada');
  await stopTime(page);
  await page.goto(`${hub.url}/acme/admin`);
  const refreshes = async () => {
    await page.evaluate(() => { document.body.dataset.mark = 'old'; });
    await page.clock.runFor(11000);
    await page.waitForLoadState();
    return page.evaluate(() => document.body.dataset.mark === undefined);
  };
  await page.getByRole('link', { name: 'Skip the tabs' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await refreshes(), false, 'reading on from the heading');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.evaluate(() => document.activeElement.blur());
  assert.equal(await refreshes(), false, 'stopped');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.evaluate(() => document.activeElement.blur());
  await Promise.all([page.waitForEvent('load'), page.clock.runFor(11000).catch(() => {})]); // it ends with the page
  assert.equal(await page.evaluate(() => document.body.dataset.mark), undefined, 'it is a new one');
  await page.context().close();
});

// Words of ours that are broken in the middle: their column got less room than they need.
const broken = () => [...document.querySelectorAll('.chip, .sev, td.word')].flatMap((box) => {
  const out = [];
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index, 0: word } of node.data.matchAll(/\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (range.getClientRects().length > 1) out.push(word);
    }
  }
  return out;
});

test('beside a title of 200 characters no word of ours is broken in the middle', async () => {
  const page = await signIn(browser, hub, 'ada');
  await page.setViewportSize({ width: 1280, height: 800 });
  for (const path of ['', '/events', '/deliveries', '/dead-letters', '/endpoints', '/plugins', '/audit']) {
    await page.goto(`${hub.url}/acme/admin${path}`);
    assert.deepEqual(await page.evaluate(broken), [], path);
  }
  await page.context().close();
});

test('links skip the tabs, and the filters of a list', async () => {
  const page = await signIn(browser, hub, 'ada');
  const skip = async (name) => {
    await page.getByRole('link', { name }).focus();
    await page.keyboard.press('Enter');
    return page.evaluate(() => document.activeElement.id);
  };
  await page.goto(`${hub.url}/acme/admin/deliveries`);
  assert.equal(await skip('Skip the tabs'), 'heading');
  assert.equal(await skip('Skip to the list'), 'list');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement.closest('#list')), 'and it goes on from there');
  await page.goto(`${hub.url}/acme/admin/explain`);
  assert.equal(await page.getByRole('link', { name: 'Skip to the list' }).count(), 0);
  await page.context().close();
});

test('a person without the role is told so in a page', async () => {
  const page = await signIn(browser, hub, 'bob');
  assert.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0);
  assert.equal((await page.goto(`${hub.url}/acme/admin`)).status(), 403);
  assert.match(await page.locator('main').innerText(), /admin/);
  assert.deepEqual(await faults(page), []);
  await page.context().close();
});

test('script and style are small', async () => {
  for (const [name, most] of [['console.js', 12 * 1024], ['site.css', 8 * 1024]]) {
    const text = await (await fetch(`${hub.url}/assets/${name}`)).text();
    assert.ok(text.length > 500 && gzipSync(text).length <= most, `${name}: ${gzipSync(text).length}`);
  }
});
