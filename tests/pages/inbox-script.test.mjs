// SPDX-License-Identifier: Apache-2.0
// The inbox with its script: what is done to rows, filters and addresses, and what is said when the hub fails.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { faults, launch, stopTime } from '../node/support/browser.mjs';
import { focus, openInbox, relisted, row, said, scripted, selected, titles } from '../node/support/inbox.mjs';
import { Hub, baseConfig, bearer, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

let hub, browser, people = 0;
before(async () => {
  const config = baseConfig();
  config.sources.deals = { plugin: 'approval' };
  config.channels.inbox.page_size = 10;
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

// A person of the test's own, with so many rows: Case 1 is the oldest.
async function somebody(count, kind = () => 'calm') {
  const name = `person-${people += 1}`;
  for (let i = 1; i <= count; i += 1) await hub.case(name, kind(i), `Case ${i}`);
  return name;
}
const cases = (...numbers) => numbers.map((n) => `Case ${n}`);
const button = (page, name) => page.locator('#toolbar').getByRole('button', { name });
const unreadOf = async (who) => (await hub.get('/v1/acme/notifications/count', bearer(mint(who)))).unread;
const bulk = '**/v1/acme/notifications/bulk';
const close = async (page, complaints = []) => {
  for (const line of page.complaints) assert.ok(complaints.some((one) => one.test(line)), line);
  await page.context().close();
};

test('the script weighs what it may, with all that a visit needs; the rest comes when it is asked for', async () => {
  for (const [name, most] of [['inbox.js', 12 * 1024], ['refresh.js', 2 * 1024], ['help.js', 2 * 1024], ['act.js', 2 * 1024]]) {
    const response = await fetch(`${hub.url}/assets/in-app/${name}`);
    assert.equal(response.status, 200, name);
    const text = await response.text();
    assert.doesNotMatch(text, /\bimport\b(?!\(new URL|\.meta)/, `${name} needs another file`);
    const size = gzipSync(text, { level: 9 }).length;
    assert.ok(size > 300 && size <= most, `${name}: ${size} bytes of ${most}`);
  }
});

test('Refresh whose file does not come says so, and is tried again', async () => {
  const page = await openInbox(browser, hub, await somebody(1));
  await page.route('**/assets/in-app/refresh.js', (route) => route.abort());
  await button(page, 'Refresh').click();
  await until(async () => (await said(page)).some(([region]) => region === 'alert'), 'it is said');
  await page.unroute('**/assets/in-app/refresh.js');
  await button(page, 'Refresh').click();
  await until(async () => (await said(page)).some(([, text]) => text.startsWith('Refreshed')), 'refreshed');
  await close(page, [/refresh\.js|ERR_FAILED/]);
});

test('a row is hidden without a reload: the focus moves on, one message, undone by its banner', async () => {
  const who = await somebody(4);
  const page = await openInbox(browser, hub, who);
  await page.evaluate(() => { window.kept = true; });
  await relisted(page, () => row(page, 'Case 3').getByRole('button', { name: 'Hide' }).click());
  assert.deepEqual(await titles(page), cases(4, 2, 1));
  assert.equal(await focus(page), 'Case 2 / 6');
  assert.deepEqual(await said(page), [['status', '1 notification hidden.']]);
  assert.equal(await page.title(), '(3) Notifications - Belfry');
  await page.getByRole('button', { name: 'Undo' }).click();
  await row(page, 'Case 3').waitFor();
  assert.deepEqual(await titles(page), cases(4, 3, 2, 1));
  assert.deepEqual(await said(page), [['status', 'Undone: 1 notification is as it was.']]);
  assert.equal(await unreadOf(who), 4);
  assert.equal(await page.evaluate(() => window.kept), true, 'never reloaded');
  await close(page);
});

test('after the last row the focus goes to the one before, and with none left to the heading', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  const hide = (name) => relisted(page, () => row(page, name).getByRole('button', { name: 'Hide' }).click());
  await hide('Case 1');
  assert.equal(await focus(page), 'Case 2 / 6');
  await hide('Case 2');
  assert.equal(await focus(page), 'heading');
  assert.equal(await page.getByRole('heading', { level: 2 }).first().textContent(), "You're all caught up");
  assert.equal(await page.locator('#list').isVisible(), false);
  assert.equal(await page.title(), 'Notifications - Belfry');
  assert.equal(await page.locator('#count').textContent(), 'Nothing unread');
  assert.deepEqual(await faults(page), []);
  await close(page);
});

test('select all shown has three states; then all that match, shown or not; what came later is left alone', async () => {
  const who = await somebody(14);
  const page = await openInbox(browser, hub, who);
  const all = page.getByRole('checkbox', { name: 'Select all shown' });
  await row(page, 'Case 12').locator('input').check();
  assert.equal(await all.evaluate((box) => box.indeterminate), true);
  await all.click();
  assert.equal((await selected(page)).length, 10);
  assert.equal(await page.locator('#selected').textContent(), '10 selected');
  await page.getByRole('button', { name: 'Select all 14 matching' }).click();
  assert.equal(await page.locator('#selected').textContent(), 'All 14 matching selected');
  assert.equal(await focus(page), 'select-all');
  await hub.case(who, 'bad', 'Later');
  await page.getByRole('button', { name: 'Show 1 new notification' }).waitFor();
  await said(page);
  await button(page, 'Mark read').click();
  await page.getByText('14 notifications marked as read.').first().waitFor();
  assert.equal(await unreadOf(who), 1);
  assert.equal(await page.locator('.row.unread').count(), 0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Undone: 14 notifications are as they were.').waitFor();
  assert.equal(await unreadOf(who), 15);
  await close(page);
});

test('with Shift a range is selected, and unselected', async () => {
  const page = await openInbox(browser, hub, await somebody(6));
  await row(page, 'Case 5').locator('input').click();
  await row(page, 'Case 2').locator('input').click({ modifiers: ['Shift'] });
  assert.deepEqual(await selected(page), cases(5, 4, 3, 2));
  await row(page, 'Case 4').locator('input').click({ modifiers: ['Shift'] });
  assert.deepEqual(await selected(page), cases(5));
  assert.equal(await button(page, 'Hide').first().getAttribute('aria-disabled'), null);
  await close(page);
});

test('some fail: they stay and stay selected, with the rest hidden; Retry does these', async () => {
  const who = await somebody(5);
  const page = await openInbox(browser, hub, who);
  const items = await hub.inbox(who);
  const failing = items.find(({ title }) => title === 'Case 3').id;
  await page.route(bulk, async (route) => {
    const body = route.request().postDataJSON();
    const response = await route.fetch({ postData: JSON.stringify({ ...body, ids: body.ids.filter((id) => id !== failing) }) });
    await route.fulfill({ response, json: { ...(await response.json()), failed: [{ id: failing, code: 'failed' }] } });
  });
  for (const name of cases(4, 3, 2)) await row(page, name).locator('input').check();
  await relisted(page, () => page.locator('button[value=hide-selected]').click());
  assert.deepEqual(await titles(page), cases(5, 3, 1));
  assert.deepEqual(await selected(page), cases(3));
  assert.deepEqual(await said(page), [['alert', '2 notifications hidden. 1 could not be changed.']]);
  assert.deepEqual(await faults(page), []);
  await page.unroute(bulk);
  await relisted(page, () => page.getByRole('button', { name: 'Retry' }).click());
  assert.deepEqual(await titles(page), cases(5, 1));
  assert.equal(await page.getByRole('button', { name: 'Retry' }).count(), 0);
  await close(page);
});

for (const [what, answer, reason] of [
  ['the hub answers 500', { status: 500, json: {} }, 'the hub cannot do it at the moment'],
  ['the hub answers 429', { status: 429, headers: { 'retry-after': '8' }, json: {} }, 'Try again in 8 s'],
  ['the row is gone', { status: 404, json: {} }, 'no longer available'],
  ['the network is down', null, 'no connection'],
])
  test(`${what}: the row comes back where it was, with the reason, said once`, async () => {
    const page = await openInbox(browser, hub, await somebody(3));
    await page.route('**/hide', (route) => (answer ? route.fulfill(answer) : route.abort('connectionrefused')));
    await row(page, 'Case 2').getByRole('button', { name: 'Hide' }).click();
    await row(page, 'Case 2').getByText(reason).waitFor();
    assert.deepEqual(await titles(page), cases(3, 2, 1));
    assert.deepEqual(await said(page), [['alert', `Not changed: Case 2. ${reason}.`]]);
    await page.unroute('**/hide');
    await relisted(page, () => row(page, 'Case 2').getByRole('button', { name: 'Hide' }).click());
    assert.deepEqual(await titles(page), cases(3, 1));
    await close(page, [/Failed to load|REFUSED/]);
  });

test('an outage is one banner and one alert, whatever fails; all well again: it goes, and the list catches up', async () => {
  const who = await somebody(2);
  // time stands still: nothing is tried again but by the person
  const page = await openInbox(browser, hub, who, { prepare: stopTime });
  const api = '**/v1/acme/notifications**';
  await page.route(api, (route) => route.fulfill({ status: 503, json: {} }));
  const wake = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await wake();
  await page.getByText(/^Couldn't refresh\. Last updated/).first().waitFor();
  await page.unroute(api);
  await page.route(api, (route) => route.abort('connectionrefused'));
  await wake();
  await hub.case(who, 'calm', 'Meanwhile');
  const messages = await said(page);
  assert.equal(messages.length, 1);
  assert.equal(messages[0][0], 'alert');
  assert.deepEqual(await titles(page), cases(2, 1), 'what was there stays to be read');
  let looked = false;
  const found = faults(page).finally(() => { looked = true; });
  while (!looked) await page.clock.runFor(1); // the check itself waits now and then
  assert.deepEqual(await found, []);
  await page.unroute(api);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Show 1 new notification' }).waitFor();
  assert.equal(await page.locator('[data-kind=state]').count(), 0);
  assert.deepEqual(await said(page), []);
  await close(page, [/Failed to load|REFUSED|ABORTED/]);
});

test('signed out: one alert with a way to sign in, and nothing is asked any more', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  await page.context().clearCookies();
  await row(page, 'Case 2').getByRole('button', { name: 'Hide' }).click();
  await page.locator('#banners').getByRole('link', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await titles(page), cases(2, 1));
  assert.deepEqual(await said(page), [['alert', "You're signed out."]]);
  await close(page, [/401/]);
});

test('filters: choices are steps of the history, typing is none; back, forward and reload show the same rows', async () => {
  const who = await somebody(6, (i) => (i % 2 ? 'bad' : 'calm'));
  const page = await openInbox(browser, hub, who);
  await relisted(page, () => page.locator('#facet-severity').getByLabel('Error').check());
  assert.equal(new URL(page.url()).search, '?severity=error');
  assert.deepEqual(await titles(page), cases(5, 3, 1));
  await page.getByText('3 results').waitFor();
  assert.deepEqual(await said(page), [['status', '3 results']]);
  assert.equal(await page.locator('#applied').textContent(), 'Remove filter: Severity Error');
  assert.equal(await page.locator('#facet-category').getByText('Trouble').count(), 1);
  const steps = await page.evaluate(() => history.length);
  await relisted(page, () => page.locator('#q').fill('case 5'));
  assert.equal(new URL(page.url()).search, '?q=case+5&severity=error');
  assert.deepEqual(await titles(page), cases(5));
  assert.equal(await page.evaluate(() => history.length), steps);
  assert.deepEqual(await faults(page), []);
  await relisted(page, () => page.goBack());
  assert.equal(await focus(page), 'heading');
  assert.deepEqual(await titles(page), cases(6, 5, 4, 3, 2, 1));
  assert.equal(await page.locator('#applied').isVisible(), false);
  await relisted(page, () => page.goForward());
  assert.deepEqual(await titles(page), cases(5));
  await page.reload();
  await scripted(page);
  assert.deepEqual(await titles(page), cases(5));
  await relisted(page, () => page.locator('#applied').getByRole('link', { name: 'Search' }).click());
  assert.equal(new URL(page.url()).search, '?severity=error');
  assert.deepEqual(await titles(page), cases(5, 3, 1));
  await relisted(page, () => page.locator('#q').fill('nothing like it'));
  await page.getByRole('heading', { name: 'No notifications match' }).waitFor();
  assert.deepEqual(await faults(page), []);
  await relisted(page, () => page.locator('#empty').getByRole('link', { name: 'Clear all filters' }).click());
  assert.equal(new URL(page.url()).search, '');
  assert.equal((await titles(page)).length, 6);
  assert.equal(await page.locator('#q').inputValue(), '');
  await close(page);
});

test('what the address says and nobody knows is told and left out; the rest holds', async () => {
  const who = await somebody(2, (i) => (i % 2 ? 'bad' : 'calm'));
  const page = await openInbox(browser, hub, who, { query: '?severity=terrible&severity=error' });
  assert.equal(await page.locator('#banners .warn').count(), 1);
  assert.deepEqual(await titles(page), cases(1));
  await relisted(page, () => row(page, 'Case 1').getByRole('button', { name: 'Hide' }).click());
  assert.deepEqual(await titles(page), []);
  assert.match(page.url(), /severity=terrible&severity=error/, 'an action leaves the address alone');
  await close(page);
});

test('hidden ones: the toolbar is another, unhide brings back, and older ones are a step further', async () => {
  const who = await somebody(12);
  const page = await openInbox(browser, hub, who);
  await relisted(page, () => page.locator('.pager').getByRole('link', { name: 'Older' }).click());
  assert.deepEqual(await titles(page), cases(2, 1));
  assert.match(await page.locator('caption').textContent(), /2 older ones of 12/);
  await relisted(page, () => page.locator('.pager').getByRole('link', { name: 'Newest' }).click());
  await row(page, 'Case 12').locator('input').check();
  await row(page, 'Case 10').locator('input').check();
  await relisted(page, () => page.locator('button[value=hide-selected]').click());
  assert.deepEqual(await titles(page), cases(11, 9, 8, 7, 6, 5, 4, 3, 2, 1), 'older ones move up at the end');
  await relisted(page, () => page.getByLabel('Hidden', { exact: true }).check());
  assert.deepEqual(await titles(page), cases(12, 10));
  const tools = await page.locator('#toolbar button[name=do]').evaluateAll((all) => all.map(({ value }) => value));
  assert.deepEqual(tools, ['read-selected', 'unread-selected', 'unhide-selected', 'unhide-all', 'refresh']);
  await relisted(page, () => row(page, 'Case 10').getByRole('button', { name: 'Unhide' }).click());
  assert.deepEqual(await titles(page), cases(12));
  assert.deepEqual(await faults(page), []);
  await close(page);
});

test('rows that the script makes are the rows that the hub writes', async () => {
  const who = await somebody(2, (i) => (i === 1 ? 'calm' : 'odd'));
  const page = await openInbox(browser, hub, who);
  await hub.case(who, 'worst', '<b>"quoted" & \u05d0 long</b> ' + 'ä'.repeat(120));
  await hub.send('approval.submitted', { approval: { id: 'same', title: 'A discount', url: 'https://crm.example/d',
    submitter: 'carl', steps: [{ name: 'Boss', approvers: [who], needs: 'any' }] } }, 'deals');
  await hub.case(who, 'odd', 'Odd one');
  await page.getByRole('button', { name: 'Show 3 new notifications' }).click();
  await row(page, 'Odd one').waitFor();
  assert.equal(await page.locator('.row td:nth-child(4)', { hasText: 'Approvals' }).count(), 1, 'a label, not an id');
  assert.equal(await page.locator('.row textarea').count(), 1, 'an action that takes a comment has a field for it');
  assert.equal(await page.locator('#facet-category').getByText('Approvals').count(), 1, 'nor in the filter');
  assert.equal(await focus(page), 'Odd one / 2');
  const html = () => page.locator('.row').evaluateAll((all) => all.map((one) => one.outerHTML.replace(/\s*\n\s*/g, '')));
  const made = await html();
  assert.equal(made.length, 5);
  await page.reload();
  await scripted(page);
  assert.deepEqual(made, await html());
  await close(page);
});

test('a click reads the row and leads to the thing; so does the middle button, in a tab of its own', async () => {
  const who = await somebody(2);
  const page = await openInbox(browser, hub, who);
  await page.context().route('https://crm.example/**', (route) => route.fulfill({ body: 'the thing' }));
  const other = page.context().waitForEvent('page');
  await row(page, 'Case 1').locator('.title').click({ button: 'middle' });
  await other;
  await until(async () => await unreadOf(who) === 1, 'the row is read');
  await page.getByText('1 unread').waitFor();
  assert.equal(await row(page, 'Case 1').evaluate((one) => one.classList.contains('unread')), false);
  await row(page, 'Case 2').locator('.title').click();
  await page.waitForURL('https://crm.example/**');
  await until(async () => await unreadOf(who) === 0, 'the row is read');
  await page.context().close();
});

test('an action of a row goes with its comment; handled by somebody else meanwhile: who it was, and the row stays', async () => {
  const [who, other] = [await somebody(0), await somebody(0)];
  for (const id of ['one', 'two'])
    await hub.send('approval.submitted', { approval: { id, title: `Deal ${id}`, url: 'https://crm.example/d',
      submitter: 'carl', steps: [{ name: 'Boss', approvers: [who, other], needs: 'any' }] } }, 'deals');
  const page = await openInbox(browser, hub, who);
  const first = page.locator('.row').nth(1);
  await first.locator('textarea').fill('Too dear');
  const sent = page.waitForRequest('**/actions/**');
  await relisted(page, () => first.getByRole('button', { name: 'Reject' }).click());
  assert.deepEqual((await sent).postDataJSON(), { comment: 'Too dear' });
  assert.equal(await first.getByRole('button').count(), 1, 'only Hide is left');
  assert.equal(await focus(page).then((at) => at.endsWith('/ 6')), true);
  assert.deepEqual(await said(page), [['status', 'Done.']]);

  const second = page.locator('.row').first();
  await page.route('**/actions/**', async (route) => {
    const [mine] = await hub.inbox(other, '?read=unread');
    await fetch(`${hub.url}/v1/acme/notifications/${mine.id}/actions/approve`, {
      method: 'POST', headers: { ...bearer(mint(other)), 'content-type': 'application/json' }, body: '{}' });
    await route.continue();
  });
  await second.getByRole('button', { name: 'Reject' }).click();
  await second.getByText(`handled already by ${other}`).waitFor();
  const messages = await said(page);
  assert.deepEqual(messages.map(([where]) => where), ['alert']);
  await close(page, [/409/]);
});

test('seen are rows that were looked at for a second, never with the first sight', async () => {
  const who = await somebody(3);
  const page = await openInbox(browser, hub, who, { prepare: stopTime });
  const seenAt = async () => (await hub.inbox(who)).filter(({ seen_at }) => seen_at).length;
  await page.clock.runFor(900);
  assert.equal(await seenAt(), 0);
  const sent = page.waitForResponse('**/notifications/seen');
  await page.clock.runFor(4000);
  assert.equal((await sent).status(), 204);
  assert.equal(await seenAt(), 3);
  assert.equal(await unreadOf(who), 3, 'seen is not read');
  await close(page);
});

test('times go on, and nobody reads them aloud', async () => {
  const page = await openInbox(browser, hub, await somebody(1), { prepare: stopTime });
  assert.equal(await page.locator('.row time').textContent(), 'now');
  await page.clock.runFor('05:30');
  await page.locator('.row time', { hasText: '5 minutes ago' }).waitFor();
  // a list that is loaded meanwhile takes long by this clock, and is said
  assert.deepEqual((await said(page)).filter(([, text]) => /ago|now/.test(text)), []);
  await page.context().close();
});

test('in German the script speaks German', async () => {
  const who = await somebody(3);
  const door = `${hub.url}/acme/session?token=${mint(who, { locale: 'de' })}&next=/acme/notifications`;
  const page = await openInbox(browser, hub, who, { prepare: (one) => one.goto(door) });
  await row(page, 'Case 2').locator('input').check();
  assert.equal(await page.locator('#selected').textContent(), '1 ausgewählt');
  await relisted(page, () => page.locator('button[value=hide-selected]').click());
  assert.deepEqual(await said(page), [['status', '1 Benachrichtigung ausgeblendet.']]);
  const missing = await page.locator('#texts').evaluate((texts) => Object.values(texts.dataset).filter((text) => !text));
  assert.deepEqual(missing, []);
  await close(page);
});

// A generator that gives the same numbers for a seed (Park and Miller).
const random = (seed) => () => (seed = (seed * 48271) % 2147483647) / 2147483647;

test('after any operations the number is that of the unread list, in title, heading, bell and API', async () => {
  const who = await somebody(8);
  const page = await openInbox(browser, hub, who);
  const next = random(20261129);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const operations = {
    select: () => page.locator('.row input[name=ids]').nth(Math.floor(next() * 3)).click(),
    read: () => page.locator('button[value=read-selected]').click(),
    unread: () => page.locator('button[value=unread-selected]').click(),
    hide: () => page.locator('.row button[value^="hide:"]').first().click(),
    undo: () => page.keyboard.press('z'),
    arrive: () => hub.case(who, 'calm', 'Arrived'),
    all: () => page.locator('button[value=read-all]').click(),
    fresh: () => page.locator('[data-kind=new] button').click(),
  };
  const able = {
    select: '.row', hide: '.row', read: '[value=read-selected]:not([aria-disabled])', fresh: '[data-kind=new] button',
    unread: '[value=unread-selected]:not([aria-disabled])', all: '[value=read-all]:not([aria-disabled])',
  };
  for (let i = 0; i < 25; i += 1) {
    const name = pick(Object.keys(operations));
    if (able[name] && !await page.locator(able[name]).count()) continue;
    await operations[name]();
    await until(async () => {
      const [list, count] = [await hub.get('/v1/acme/notifications?read=unread', bearer(mint(who))), await unreadOf(who)];
      const { title, heading, bell } = await page.evaluate(() => ({
        title: document.title, heading: document.getElementById('count').textContent,
        bell: document.querySelector('belfry-bell').shadowRoot.querySelector('b').textContent,
      }));
      const shown = [/^\((\d+)\) Notifications - Belfry$/.exec(title)?.[1], /\d+/.exec(heading)?.[0], bell];
      return list.total === count && shown.every((text) => Number(text || 0) === count);
    }, `the numbers agree after ${name} (${i})`, 5000);
  }
  await close(page);
});
