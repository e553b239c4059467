// SPDX-License-Identifier: Apache-2.0
// The open inbox follows the hub: other tabs, a role that is taken away, rows that lose their validity, answers that
// come late or not at all. Nothing moves under the reader, and nothing is told that they did not do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults, launch, leave, signIn, stopTime } from '../node/support/browser.mjs';
import { focus, openInbox, relisted, row, said, scripted, titles, told } from '../node/support/inbox.mjs';
import { Hub, baseConfig, bearer, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const MINUTE = 60_000;
let hub, browser, people = 0;
before(async () => {
  const config = baseConfig();
  config.orgs.acme.users.dora = { name: 'Dora' };
  config.auth.tokens[0].may.push('users');
  config.categories.trouble = { label: 'Trouble', visible_to: ['sales-manager'] };
  config.sources.jobs = { plugin: 'sync', overview_valid_for: '10m' };
  [hub, browser] = await Promise.all([Hub.start(config, { clock: true }), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

// A person in the directory, with a role or without.
async function somebody(count, roles = []) {
  const name = `live-${people += 1}`;
  await put(name, roles);
  for (let i = 1; i <= count; i += 1) await hub.case(name, 'calm', `Case ${i}`);
  return name;
}
async function put(name, roles) {
  const response = await fetch(`${hub.url}/v1/acme/users/${name}`, {
    method: 'PUT', headers: { ...bearer(hub.token), 'content-type': 'application/json' },
    body: JSON.stringify({ name, roles }),
  });
  assert.ok(response.ok, await response.text());
}
const cases = (...numbers) => numbers.map((n) => `Case ${n}`);
const countOf = (page) => page.locator('#count').textContent();
const bellOf = (page) => page.locator('belfry-bell').evaluate((bell) => bell.shadowRoot.querySelector('b').textContent);
const streams = (pages) => pages.flatMap((page) => page.streams).filter(({ open }) => open).length;
const list = /\/v1\/acme\/notifications(\?|$)/;
const close = (page) => page.context().close();

// Another tab of the same browser
async function tab(page) {
  const other = await page.context().newPage();
  watch(other);
  await other.goto(`${hub.url}/acme/notifications`);
  await scripted(other);
  return other;
}
// Keeps which streams a page has open.
function watch(page) {
  page.streams = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/stream')) page.streams.push({ request, open: true });
  });
  const ended = (request) => {
    for (const stream of page.streams) if (stream.request === request) stream.open = false;
  };
  page.on('requestfinished', ended);
  page.on('requestfailed', ended);
  page.on('close', () => page.streams.forEach((stream) => { stream.open = false; }));
}

test('two tabs agree: what is done in one is seen in the other, which says nothing', async () => {
  const who = await somebody(3);
  const one = await openInbox(browser, hub, who);
  const two = await tab(one);
  await relisted(two, () => row(one, 'Case 2').getByRole('button', { name: 'Hide' }).click());
  await until(async () => (await titles(two)).join() === cases(3, 1).join(), 'the row is hidden in both');
  for (const page of [one, two]) {
    assert.equal(await countOf(page), '2 unread');
    assert.equal(await page.title(), '(2) Notifications - Belfry');
    assert.equal(await bellOf(page), '2');
  }
  assert.deepEqual(await said(one), [['status', '1 notification hidden.']]);
  assert.deepEqual(await said(two), []);
  await close(one);
});

test('seven tabs hold one stream; when its tab closes another takes over, and nobody misses anything', async () => {
  const who = await somebody(1);
  const first = await openInbox(browser, hub, who, { prepare: watch });
  const pages = [first];
  for (let i = 0; i < 6; i += 1) pages.push(await tab(first));
  await until(() => streams(pages) === 1, 'one stream is open');
  await hub.case(who, 'calm', 'For all');
  for (const page of pages) await until(async () => await countOf(page) === '2 unread', 'each tab knows');
  assert.equal(streams(pages), 1);
  const leader = pages.find((page) => streams([page]));
  const rest = pages.filter((page) => page !== leader);
  await leader.close();
  await until(() => streams(rest) === 1, 'another tab leads');
  await hub.case(who, 'calm', 'After it');
  for (const page of rest) await until(async () => await countOf(page) === '3 unread', 'each tab goes on');
  assert.equal(streams(rest), 1);
  await close(rest[0]);
});

test('a role that is taken away takes its rows along: list, facets, number and search, without a word', async () => {
  const who = await somebody(2, ['sales-manager']);
  await hub.case(who, 'bad', 'Only for managers');
  const page = await openInbox(browser, hub, who);
  assert.equal((await titles(page)).length, 3);
  assert.equal(await countOf(page), '3 unread');
  await put(who, []);
  await until(async () => (await titles(page)).join() === cases(2, 1).join(), 'the row is gone');
  await until(async () => await countOf(page) === '2 unread', 'the number too');
  await until(async () => await bellOf(page) === '2', 'that of the bell');
  await page.locator('#facet-category').getByLabel('Trouble').waitFor({ state: 'hidden' });
  await page.locator('#facet-severity').getByLabel('Error').waitFor({ state: 'hidden' });
  await until(async () => /all 2/.test(await page.locator('caption').textContent()), 'the caption');
  assert.deepEqual(await said(page), []);
  await relisted(page, () => page.locator('#q').fill('managers'));
  assert.deepEqual(await titles(page), []);
  await close(page);
});

test('a role that is taken away between the page and the press: only what one may see is done, the rest goes', async () => {
  const who = await somebody(2, ['sales-manager']);
  await hub.case(who, 'bad', 'Only for managers');
  // nothing tells the page, but the answers to what it does
  const deaf = (one) => one.route('**/stream', (route) => route.abort());
  const page = await openInbox(browser, hub, who, { prepare: deaf });
  await put(who, []);
  for (const name of ['Case 2', 'Only for managers']) await row(page, name).locator('input').check();
  await page.locator('button[value=hide-selected]').click();
  await until(async () => (await titles(page)).join() === cases(1).join(), 'both rows have gone');
  const heard = []; // the rows go at once, what follows from the answer comes with it
  await until(async () => heard.push(...(await said(page)).filter(([, text]) => text.includes('hidden'))), 'it is told');
  assert.deepEqual(heard, [['alert', '1 notification hidden. 1 could not be changed.']]);
  await page.locator('#facet-category').getByLabel('Trouble').waitFor({ state: 'hidden' });
  await until(async () => await countOf(page) === '1 unread', 'the number follows');
  await page.getByRole('button', { name: 'Retry' }).and(page.locator('[data-kind=failed] *')).click();
  await until(async () => await page.locator('[data-kind=failed]').count() === 0, 'there is nothing to try again');
  await put(who, ['sales-manager']);
  const items = await hub.get('/v1/acme/notifications?status=hidden', bearer(mint(who, { roles: ['sales-manager'] })));
  assert.deepEqual(items.items.map(({ title }) => title), cases(2), 'what was out of sight was left alone');
  await close(page);
});

test('the same without a script, by ids and by filter', async () => {
  const who = await somebody(2, ['sales-manager']);
  await hub.case(who, 'bad', 'Only for managers');
  const page = await signIn(browser, hub, who, { javaScriptEnabled: false });
  await put(who, []);
  for (const box of await page.locator('input[name=ids]').all()) await box.check();
  await leave(page, () => page.locator('button[value=read-selected]').click());
  assert.equal(await page.locator('.banner p').first().textContent(), '2 notifications marked as read. 1 could not be changed.');
  assert.deepEqual(await titles(page), cases(2, 1));
  await put(who, ['sales-manager']);
  await page.goto(`${hub.url}/acme/notifications`);
  await put(who, []);
  await leave(page, () => page.locator('button[value=hide-all]').click());
  assert.deepEqual(await titles(page), []);
  const items = await hub.get('/v1/acme/notifications', bearer(mint(who, { roles: ['sales-manager'] })));
  assert.deepEqual(items.items.map(({ title, unread }) => [title, unread]), [['Only for managers', true]]);
  await close(page);
});

test('"all as read" reads what was seen meanwhile, and leaves alone what waits or was changed elsewhere', async () => {
  const who = await somebody(3);
  const page = await openInbox(browser, hub, who);
  await hub.case(who, 'calm', 'Later');
  await page.getByRole('button', { name: 'Show 1 new notification' }).waitFor();
  assert.equal(await page.locator('caption').textContent(), 'Newest first. Showing all 3.', 'what waits is not older');
  const items = await hub.inbox(who);
  const id = (title) => items.find((item) => item.title === title).id;
  const post = (path, body) => page.context().request.post(`${hub.url}/v1/acme/notifications/${path}`, {
    data: body, headers: { origin: hub.url },
  }).then((response) => assert.ok(response.ok()));
  await post('seen', { ids: items.map((item) => item.id) });
  for (const what of ['read', 'unread']) await post(`${id('Case 2')}/${what}`, {}); // somebody wants it back
  await page.locator('#toolbar').getByRole('button', { name: 'Mark all 3 as read' }).click();
  await page.getByText('2 notifications marked as read.').first().waitFor();
  await until(async () => await countOf(page) === '2 unread', 'two are left');
  const unread = () => page.locator('.row.unread .title').allTextContents();
  await until(async () => (await unread()).join() === 'Case 2', 'the row is shown as the hub has it');
  assert.deepEqual((await hub.inbox(who, '?read=unread')).map(({ title }) => title), ['Later', 'Case 2']);
  await close(page);
});

test('a role that is given brings rows, which wait until they are asked for', async () => {
  const who = await somebody(1);
  await hub.case(who, 'bad', 'Only for managers');
  const page = await openInbox(browser, hub, who);
  assert.deepEqual(await titles(page), cases(1));
  await put(who, ['sales-manager']);
  await page.getByRole('button', { name: 'Show 1 new notification' }).click();
  await row(page, 'Only for managers').waitFor();
  assert.equal(await countOf(page), '2 unread');
  await close(page);
});

test('what expires or is replaced while the page is open gets a chip, and stays where it is', async () => {
  const who = await somebody(1);
  const run = (id) => ({ id, kind: 'overview', admin: who });
  const ago = new Date(Date.now() - 5 * MINUTE).toISOString();
  await hub.send('sync.started', { run: run('o-1') }, 'jobs', { time: ago });
  await hub.send('sync.finished', { run: run('o-1'), outcome: 'succeeded' }, 'jobs', { time: new Date().toISOString() });
  const lead = (owner, name) => ({ object: 'Lead', id: who, url: 'https://crm.example/l', owner, fields: { name } });
  await hub.send('record.created', { record: { ...lead(who, 'Lead'), created_by: 'carl' } });
  const door = `${hub.url}/acme/session?token=${mint(who)}&next=/acme/notifications`; // longer than a link's ten minutes
  const page = await openInbox(browser, hub, who, { prepare: (one) => one.goto(door) });
  assert.equal((await titles(page)).length, 3);
  const order = await titles(page);
  const lead1 = page.locator('.row').first();
  await lead1.locator('.title').focus();
  const at = await focus(page);

  await hub.send('record.updated', { record: lead('carl', 'Lead'), changed_by: 'carl' });
  await lead1.getByText('No longer valid').waitFor();
  assert.equal(await focus(page), at);
  assert.equal(await countOf(page), '2 unread');

  await hub.clock.advance(11 * MINUTE);
  await page.evaluate(() => dispatchEvent(new Event('online'))); // the next poll
  const overview = page.locator('.row').nth(1);
  await overview.getByText('No longer valid').waitFor();
  await until(async () => await countOf(page) === '1 unread', 'what has expired does not count');
  assert.equal(await overview.evaluate((one) => one.classList.contains('unread')), false);
  assert.deepEqual(await titles(page), order);
  assert.deepEqual(await said(page), []);
  assert.deepEqual(await faults(page), []);
  const gone = await page.context().request.get(hub.url + await overview.locator('.title').getAttribute('href'));
  assert.equal(gone.status(), 410);
  await close(page);
});

test('a configuration that closes a category takes its rows along, though no row has changed', async () => {
  const who = await somebody(2);
  const page = await openInbox(browser, hub, who);
  await relisted(page, () => row(page, 'Case 2').getByRole('button', { name: 'Hide' }).click());
  await said(page);
  await hub.reload((config) => { config.categories.news.visible_to = ['nobody']; });
  try {
    await until(async () => {
      await page.evaluate(() => dispatchEvent(new Event('online'))); // asks for the number
      return (await titles(page)).length === 0;
    }, 'the row is gone');
    assert.equal(await countOf(page), 'Nothing unread');
    assert.deepEqual(await said(page), []);
  } finally {
    await hub.reload((config) => { delete config.categories.news.visible_to; });
  }
  await close(page);
});

test('a poll with news says nothing and moves nothing', async () => {
  const who = await somebody(3);
  const page = await openInbox(browser, hub, who, { prepare: (one) => one.route('**/stream', (route) =>
    route.fulfill({ status: 503, json: {} })) });
  await row(page, 'Case 2').locator('.title').focus();
  await hub.case(who, 'calm', 'By a poll');
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.getByRole('button', { name: 'Show 1 new notification' }).waitFor();
  assert.deepEqual(await titles(page), cases(3, 2, 1));
  assert.equal(await focus(page), 'Case 2 / 2');
  assert.deepEqual(await said(page), []);
  await close(page);
});

// Holds back answers to the list until the function that is given back was called.
async function hold(page) {
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  await page.route(list, async (route) => {
    await gate;
    await route.continue();
  });
  return open;
}

test('what was asked for is shown, also when news came before the answer', async () => {
  const who = await somebody(2);
  const page = await openInbox(browser, hub, who);
  await hub.case(who, 'calm', 'Case 3');
  const show = page.getByRole('button', { name: 'Show 1 new notification' });
  await show.waitFor();
  const open = await hold(page);
  const asked = page.waitForRequest(list);
  await show.click();
  await asked;
  const again = page.waitForRequest(list);
  await hub.case(who, 'calm', 'Case 4');
  await again;
  open();
  await row(page, 'Case 3').waitFor();
  await until(async () => await focus(page) === 'Case 4 / 2', 'the focus is on the newest');
  assert.deepEqual(await titles(page), cases(4, 3, 2, 1));
  assert.equal((await said(page)).filter(([, text]) => /shown\.$/.test(text)).length, 1);
  await close(page);
});

test('a list that was asked for before an action, and comes after it, does not take it back', async () => {
  const who = await somebody(3);
  // time stands still: the list is not asked for anew meanwhile
  const page = await openInbox(browser, hub, who, { prepare: stopTime });
  let come, held;
  const came = new Promise((resolve) => { come = resolve; });
  await page.route(list, async (route) => {
    if (held) return route.continue();
    held = await route.fetch();
    await came;
    return route.fulfill({ response: held });
  });
  await page.locator('#filters button').click(); // asks for the list
  await until(() => held, 'the list is on its way');
  await page.evaluate(() => {
    window.waited = [];
    new MutationObserver(() => window.waited.push(document.querySelector('[data-kind=new]')?.textContent ?? ''))
      .observe(document.querySelector('#banners'), { childList: true, subtree: true });
  });
  const done = page.waitForResponse((response) => response.url().endsWith('/hide'));
  await row(page, 'Case 2').getByRole('button', { name: 'Hide' }).click();
  await done;
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  const listed = page.waitForResponse((response) => list.test(response.url()));
  come();
  await listed;
  await page.locator('#inbox[aria-busy=false]').waitFor();
  assert.deepEqual(await titles(page), cases(3, 1));
  assert.deepEqual((await page.evaluate(() => window.waited)).filter(Boolean), [], 'nothing is new');
  assert.equal(await countOf(page), '2 unread');
  await close(page);
});

test('a list that fails, where the number does not, is asked for again by itself, and the banner goes', async () => {
  const who = await somebody(1);
  const page = await openInbox(browser, hub, who, { prepare: stopTime });
  await page.route(list, (route) => route.fulfill({ status: 503, json: {} }));
  await hub.case(who, 'calm', 'Late');
  const banner = page.locator('[data-kind=state]');
  await until(async () => {
    await page.clock.runFor(300);
    return banner.count();
  }, 'it is told');
  assert.equal((await told(page)).length, 1);
  await page.unroute(list);
  await until(async () => {
    await page.clock.runFor(300);
    return page.getByRole('button', { name: 'Show 1 new notification' }).count();
  }, 'the list is asked for again');
  assert.equal(await banner.count(), 0);
  assert.deepEqual(await told(page), []);
  await close(page);
});
