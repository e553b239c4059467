// SPDX-License-Identifier: Apache-2.0
// axe-core finds nothing on any page, narrow and wide, light and dark, and nothing has to be scrolled sideways.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, leave, open, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

const NOBODY = '01a2266b-0000-7000-8000-000000000000';
let hub, browser, gone, older;
before(async () => {
  const config = baseConfig();
  config.orgs.acme.users.dora = { name: 'Dora Empty' };
  config.orgs.acme.users.eve = { name: 'Eve Asked' };
  config.sources.deals = { plugin: 'approval' };
  config.channels.inbox.page_size = 8;
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  const long = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungszeremonienmeister';
  for (const kind of ['calm', 'fine', 'odd', 'bad', 'worst'])
    await hub.case('ann', kind, `A ${kind} thing that has to be told in rather more words than fit`);
  await hub.case('ann', 'bad', long);
  await hub.case('ann', 'odd', 'הודעה חדשה מאת המערכת');
  const record = {
    object: 'Lead', id: 'l-1', url: 'https://crm.example/l-1', owner: 'ann', created_by: 'carl', fields: { name: long },
  };
  await hub.send('record.created', { record });
  await hub.send('record.updated', { record: { object: 'Lead', id: 'l-1', owner: 'bob' }, changed_by: 'carl' });
  await hub.case('ann', 'calm', 'Read already');
  const approval = {
    id: 'a-1', title: `A discount for ${long}`, url: '/a', submitter: 'ann',
    steps: [{ name: 'Sales', approvers: ['eve'], needs: 'any' }],
  };
  await hub.send('approval.submitted', { approval }, 'deals');
  const items = await hub.inbox('ann', '?read=all&limit=100');
  older = items[7].id;
  gone = items.find((item) => item.validity === 'withdrawn');
  assert.ok(gone && items.length > 8);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const PAGES = {
  'the inbox': { person: 'ann', path: () => '/acme/notifications', row: true },
  'a filtered inbox after a bulk': {
    person: 'ann', path: () => '/acme/notifications?severity=error&done=read&n=2&undo=x', row: true,
  },
  'a row with actions': { person: 'eve', path: () => '/acme/notifications', row: true },
  'an empty inbox': { person: 'dora', path: () => '/acme/notifications' },
  'nothing hidden': { person: 'dora', path: () => '/acme/notifications?status=hidden' },
  'a filter that nothing matches': { person: 'ann', path: () => '/acme/notifications?q=nothing&category=news&nonsense=1' },
  'older rows in German': { person: 'ann', path: () => `/acme/notifications?before=${older}`, row: true, locale: 'de-DE' },
  'not found': { person: 'ann', path: () => `/acme/n/${NOBODY}`, status: 404 },
  'what is no longer valid': { person: 'ann', path: () => gone.href, status: 410 },
  'not signed in': { path: () => '/acme/notifications', status: 401 },
};

for (const [name, { person, path, status = 200, row, locale }] of Object.entries(PAGES)) {
  test(`${name} has no faults`, async () => {
    const page = person ? await signIn(browser, hub, person, { locale }) : await open(browser);
    const response = await page.goto(hub.url + path());
    assert.equal(response.status(), status);
    assert.match(response.headers()['content-security-policy'] ?? '', /default-src 'none'/);
    assert.equal(await page.locator('.row').count() > 0, row === true);
    assert.deepEqual(await flaws(page), []);
    // Chromium itself reports the status of such a page
    const expected = status < 400 ? [] : page.complaints.filter((text) => text.includes(`status of ${status}`));
    assert.deepEqual(page.complaints, expected);
    await page.context().close();
  });
}

test('light is light and dark is dark', async () => {
  const page = await signIn(browser, hub, 'ann');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const [ink, paper] = await page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return [color, backgroundColor].map((one) => Number(/[0-9]+/.exec(one)[0]));
    });
    assert.equal(paper > ink, colorScheme === 'light', `${ink} on ${paper} is not ${colorScheme}`);
  }
  await page.context().close();
});

test('everything can be reached and used with the keyboard', async () => {
  await hub.case('bob', 'odd', 'By keyboard');
  const page = await signIn(browser, hub, 'bob', { javaScriptEnabled: false });
  await page.keyboard.press('Tab');
  assert.equal(await page.locator(':focus').innerText(), 'Skip to content');
  await page.keyboard.press('Enter');
  await page.waitForURL(/#main$/);
  const names = [];
  for (let i = 0; i < 60 && names.at(-1) !== 'Hide: By keyboard'; i++) {
    await page.keyboard.press('Tab');
    const focus = page.locator(':focus');
    names.push(await focus.getAttribute('aria-label') ?? ((await focus.textContent()).trim() || await focus.getAttribute('name')));
  }
  for (const name of ['Apply', 'Mark read', 'By keyboard']) assert.ok(names.includes(name), names.join(', '));
  assert.equal(names.at(-1), 'Hide: By keyboard');
  await leave(page, () => page.keyboard.press('Enter'));
  assert.equal(await page.getByRole('button', { name: /^Hide\W+By keyboard/ }).count(), 0);
  assert.deepEqual((await hub.inbox('bob', '?status=hidden')).map((item) => item.title), ['By keyboard']);
  await page.context().close();
});
