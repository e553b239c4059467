// SPDX-License-Identifier: Apache-2.0
// The inbox in a browser: what it shows, that it needs no script, and what a link to a notification does.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, leave, open, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';
import { Receiver } from '../node/support/receiver.mjs';
import { until } from '../node/support/wait.mjs';

const PEOPLE = ['lister', 'filterer', 'marker', 'hider', 'selector', 'visitor', 'loser', 'leaver', 'scripter', 'decider', 'other'];

let hub, browser, outside;
before(async () => {
  const config = baseConfig();
  config.orgs.acme.users = { carl: {}, ...Object.fromEntries(PEOPLE.map((name) => [name, { name: `${name} Doe` }])) };
  config.sources.deals = { plugin: 'approval' };
  outside = await Receiver.start(200);
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
  await outside?.stop();
});

const NO_SCRIPT = { javaScriptEnabled: false };
const titles = (page) => page.locator('.row .title').allTextContents();
// A button of a row names the row, too
const button = (page, label, title) => page.getByRole('button', { name: new RegExp(`^${label}\\W+${title}$`) });
const follow = (page, what) => leave(page, () => what.click());
const tool = (page, name) => page.getByRole('toolbar').getByRole('button', { name, exact: true });
async function select(page, ...names) {
  for (const name of names) await page.getByRole('checkbox', { name, exact: true }).check();
}
// Chooses in the form of filters, which is folded up in a window of this width, and applies it.
async function show(page, ...labels) {
  if (!await page.locator('#more').evaluate((details) => details.open)) await page.locator('#more summary').click();
  for (const label of labels) await page.locator('#filters').getByLabel(label, { exact: true }).check();
  await follow(page, page.getByRole('button', { name: 'Apply', exact: true }));
}
const row = (page, title) => page.locator('.row', { hasText: title });

// An oddity and a fault each
async function three(person) {
  await hub.case(person, 'calm', 'All is <b>calm</b>');
  await hub.case(person, 'odd', 'Something odd');
  await hub.case(person, 'bad', 'Something bad');
}

test('the list shows the rows, newest first, and complains about nothing', async () => {
  await three('lister');
  const page = await signIn(browser, hub, 'lister');
  assert.equal(new URL(page.url()).pathname, '/acme/notifications');
  assert.equal(new URL(page.url()).search, '', 'no token in the address');
  assert.equal(await page.title(), '(3) Notifications - Belfry');
  assert.deepEqual(await titles(page), ['Something bad', 'Something odd', 'All is <b>calm</b>']);
  assert.match(await row(page, 'Something bad').innerText(), /Error\s+Unread\s+Something bad\s+Trouble\s+crm/);
  assert.match(await page.locator('.head').innerText(), /3 unread/);
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map((cookie) => [cookie.httpOnly, cookie.sameSite]), [[true, 'Lax']]);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a policy forbids scripts and styles that are not our own', async () => {
  const page = await signIn(browser, hub, 'scripter');
  const response = await page.reload();
  const policy = response.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe-|\*|https?:/);
  assert.deepEqual(page.complaints, []);
  await page.evaluate(() => {
    const script = document.createElement('script');
    const button = document.createElement('button');
    const attempts = [
      () => button.setAttribute('onclick', 'window.inline = 1'),
      () => { script.textContent = 'window.inline = 2'; },
    ];
    for (const attempt of attempts) {
      try { attempt(); } catch { /* Trusted Types */ }
    }
    document.body.append(script, button);
    button.click();
  });
  assert.equal(await page.evaluate(() => window.inline), undefined);
  assert.ok(page.complaints.length > 0, 'the browser says that it refused');
  await page.context().close();
});

test('a filter is in the address, which shows the same rows to another browser', async () => {
  await three('filterer');
  const page = await signIn(browser, hub, 'filterer', NO_SCRIPT);
  await show(page, /^Warning/, /^Error/);
  const shown = await titles(page);
  assert.deepEqual(shown, ['Something bad', 'Something odd']);
  const address = new URL(page.url());
  assert.equal(address.search, '?severity=error&severity=warning', 'defaults are left out, in one order');

  const other = await signIn(browser, hub, 'filterer', NO_SCRIPT);
  await other.goto(address.href);
  assert.deepEqual(await titles(other), shown);
  assert.ok(await other.getByRole('checkbox', { name: /^Error/ }).isChecked());
  assert.ok(!await other.getByRole('checkbox', { name: /^Info/ }).isChecked());
  await other.getByRole('searchbox').fill('odd');
  await follow(other, other.getByRole('button', { name: 'Apply', exact: true }));
  assert.deepEqual(await titles(other), ['Something odd']);
  await follow(other, other.getByRole('link', { name: 'Remove filter: Severity Warning' }));
  assert.equal(new URL(other.url()).search, '?q=odd&severity=error');
  assert.equal(await other.locator('#list').isVisible(), false);
  assert.match(await other.locator('#empty').innerText(), /^No notifications match\s[^]*Search: odd\s+Severity: Error/);
  await follow(other, other.getByRole('link', { name: 'Clear all', exact: true }));
  assert.equal((await titles(other)).length, 3);
  assert.deepEqual(other.complaints, []);
  await page.context().close();
  await other.context().close();
});

test('mark read and mark unread work without a script', async () => {
  await three('marker');
  const page = await signIn(browser, hub, 'marker', NO_SCRIPT);
  await select(page, 'Something odd');
  await follow(page, tool(page, 'Mark read'));
  assert.match(await page.locator('#banners').innerText(), /1 notification marked as read\.\s+Undo/);
  assert.match(await page.locator('.head').innerText(), /2 unread/);
  assert.equal((await titles(page)).length, 3);
  await show(page, 'Unread');
  assert.deepEqual(await titles(page), ['Something bad', 'All is <b>calm</b>']);
  await show(page, 'All');
  await select(page, 'Something odd');
  await follow(page, tool(page, 'Mark unread'));
  assert.deepEqual((await hub.inbox('marker')).map((item) => item.unread), [true, true, true]);
  await page.context().close();
});

test('hide and unhide work without a script', async () => {
  await three('hider');
  const page = await signIn(browser, hub, 'hider', NO_SCRIPT);
  await follow(page, button(page, 'Hide', 'Something bad'));
  assert.deepEqual(await titles(page), ['Something odd', 'All is <b>calm</b>']);
  await show(page, 'Hidden');
  assert.deepEqual(await titles(page), ['Something bad']);
  await follow(page, button(page, 'Unhide', 'Something bad'));
  assert.equal(new URL(page.url()).searchParams.get('status'), 'hidden', 'an action keeps the filter');
  assert.deepEqual(await titles(page), []);
  assert.match(await page.locator('#empty').innerText(), /^Nothing is hidden/);
  assert.equal((await hub.inbox('hider')).length, 3);
  await page.context().close();
});

test('several at once, and back again, without a script', async () => {
  await three('selector');
  const page = await signIn(browser, hub, 'selector', NO_SCRIPT);
  await select(page, 'Something bad', 'Something odd');
  await follow(page, tool(page, 'Hide'));
  assert.deepEqual(await titles(page), ['All is <b>calm</b>']);
  assert.match(await page.locator('#banners').innerText(), /2 notifications hidden/);
  await follow(page, page.getByRole('button', { name: 'Undo' }));
  assert.equal((await titles(page)).length, 3);
  await follow(page, tool(page, 'Hide'));
  assert.match(await page.locator('#banners').innerText(), /Nothing was selected/);
  await page.goto(`${hub.url}/acme/notifications?severity=error`);
  await follow(page, tool(page, 'Mark 1 matching as read'));
  assert.match(await page.locator('.head').innerText(), /2 unread/, 'only what the filter lists');
  await page.goto(`${hub.url}/acme/notifications`);
  await follow(page, tool(page, 'Mark all 2 as read'));
  assert.match(await page.locator('.head').innerText(), /Nothing unread/);
  await page.context().close();
});

test('the link of a notification marks it as read and leads to the thing', async () => {
  // cookies do not know ports, so this is another host
  const url = outside.url('/cases/7?tab=a&b=c').replace('127.0.0.1', 'localhost');
  await hub.case('visitor', 'odd', 'Go and see', { url });
  const page = await signIn(browser, hub, 'visitor');
  assert.equal((await hub.inbox('visitor'))[0].unread, true);
  await page.getByRole('link', { name: 'Go and see' }).click();
  await page.waitForURL(url);
  const [{ unread, href }] = await hub.inbox('visitor');
  assert.equal(unread, false);
  assert.match(href, /^\/acme\/n\//);
  const arrival = outside.requests.find((request) => request.url === '/cases/7?tab=a&b=c');
  assert.equal(arrival.headers.referer, undefined, 'what lies outside does not learn where people come from');
  assert.equal(arrival.headers.cookie, undefined);
  await page.goBack();
  assert.deepEqual(await titles(page), ['Go and see']);
  await page.context().close();
});

test('a withdrawn notification says that it is no longer valid, with a way back', async () => {
  const url = outside.url('/leads/1');
  const record = { object: 'Lead', id: 'l-1', url, owner: 'loser', created_by: 'carl', fields: {} };
  await hub.send('record.created', { record });
  await hub.send('record.updated', { record: { object: 'Lead', id: 'l-1', owner: 'carl' }, changed_by: 'carl' });
  const item = await until(async () => (await hub.inbox('loser'))[0], 'there is a row');
  assert.equal(item.validity, 'withdrawn');
  const page = await signIn(browser, hub, 'loser', NO_SCRIPT);
  await page.goto(`${hub.url}/acme/notifications?severity=info&q=lead`);
  assert.match(await page.locator('.row').first().innerText(), /No longer valid/);
  const [response] = await Promise.all([page.waitForResponse((r) => r.url().endsWith(item.href)),
    follow(page, page.locator('.row .title'))]);
  assert.equal(response.status(), 410);
  assert.match(await page.locator('h1').innerText(), /no longer valid/);
  assert.match(await page.locator('main').innerText(), /withdrawn/);
  assert.equal(await page.locator('a[href*="leads"]').count(), 0);
  await follow(page, page.getByRole('link', { name: 'Back to notifications' }));
  assert.equal(new URL(page.url()).pathname, '/acme/notifications');
  assert.equal(new URL(page.url()).search, '?q=lead&severity=info', 'to the list as it was');
  await follow(page, page.locator('.row .title'));
  await follow(page, page.getByRole('button', { name: 'Hide', exact: true }));
  assert.equal(new URL(page.url()).searchParams.get('q'), 'lead');
  assert.deepEqual((await hub.inbox('loser', '?status=hidden')).map(({ id }) => id), [item.id]);
  assert.ok(!outside.requests.some((request) => request.url === '/leads/1'));
  await page.context().close();
});

test('signing out takes the session from this browser; nobody gets in without one', async () => {
  const page = await signIn(browser, hub, 'leaver', NO_SCRIPT);
  await follow(page, page.getByRole('button', { name: 'Sign out' }));
  assert.equal((await page.goto(`${hub.url}/acme/notifications`)).status(), 401);
  assert.deepEqual(await page.context().cookies(), []);
  await page.context().close();

  const stranger = await open(browser);
  assert.equal((await stranger.goto(`${hub.url}/acme/notifications`)).status(), 401);
  assert.match(await stranger.locator('h1').innerText(), /not signed in/);
  await stranger.context().close();
});

test('a login link works once', async () => {
  const link = await hub.loginLink('lister');
  const page = await open(browser);
  assert.equal((await page.goto(link)).status(), 200);
  await page.context().clearCookies();
  assert.equal((await page.goto(link)).status(), 401);
  await page.context().close();
});

test('an action with a comment needs no script; who comes second reads who was first', async () => {
  const approval = {
    id: 'a-1', title: 'Free delivery', url: '/a', submitter: 'carl',
    steps: [{ name: 'Sales', approvers: ['decider', 'other'], needs: 'any' }],
  };
  await hub.send('approval.submitted', { approval }, 'deals');
  const [first, second] = await Promise.all(['decider', 'other'].map((who) => signIn(browser, hub, who, NO_SCRIPT)));
  const comment = first.locator('.row textarea');
  assert.match(await first.getByLabel(/^Comment: .*Free delivery/).evaluate((e) => e.tagName), /TEXTAREA/);
  await comment.fill('They pay early.');
  await comment.press('Enter');
  assert.equal(new URL(first.url()).search, '', 'Enter presses no button');
  await follow(first, first.getByRole('button', { name: /^Approve\W/ }));
  assert.match(await first.locator('#banners').innerText(), /Done\./);
  assert.match(await row(first, 'Free delivery').innerText(), /Handled by decider/);
  assert.equal(await first.locator('.row textarea').count(), 0);
  await follow(second, second.getByRole('button', { name: /^Reject\W/ }));
  assert.match(await second.locator('main').innerText(), /handled already, by decider on /);
  await Promise.all([first, second].map((page) => page.context().close()));
});
