// SPDX-License-Identifier: Apache-2.0
// The page behind a mail's link, in a browser without scripts and without a session: every state of it in both
// languages, narrow, dark and in forced colours, with nothing that axe finds; and that nothing happens by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, leave, open } from '../node/support/browser.mjs';
import { Hub, baseConfig, bearer, mint } from '../node/support/hub.mjs';
import { Mailbox } from '../node/support/mailbox.mjs';

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungszeremonie';
const people = ['ann', 'bob', 'hugo', 'dora', 'eve', 'fred', 'gina'];
let hub, browser, box;

before(async () => {
  const config = baseConfig();
  box = await Mailbox.start();
  for (const name of people)
    config.orgs.acme.users[name] = { email: `${name}@acme.example` };
  config.categories.trouble.label = `<img src=x onerror=alert(1)> & "${LONG}"`;
  config.channels.mail = { plugin: 'email', smtp: box.url(), from: 'Acme <notify@acme.example>' };
  config.rules.push({ name: 'mail', when: {}, deliver: [{ via: 'mail', after: '0s', unless: [] }] });
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
  box?.close();
});

async function linkFor(person, kind = 'calm') {
  const count = box.mails.length + 1;
  await hub.case(person, kind, `For ${person}`);
  return hub.url + Mailbox.unsubscribe(await box.wait(count));
}

async function unsubscribe(person, { kind, ...options } = {}) {
  const page = await open(browser, { javaScriptEnabled: false, ...options });
  await page.goto(await linkFor(person, kind));
  return page;
}

const press = (page, name) => leave(page, () => page.getByRole('button', { name }).click());
const chosen = async (person) => (await hub.get('/v1/acme/preferences', bearer(mint(person)))).email;

test('a look changes nothing and says whose and what', async () => {
  const page = await unsubscribe('ann');
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Stop e-mail');
  assert.match(await page.locator('main').innerText(), /a…@acme\.example/);
  assert.deepEqual(await page.getByRole('button').allTextContents(), ['Stop e-mail about “News”', 'Stop all e-mail']);
  assert.equal(await page.locator('script').count(), 0);
  assert.equal(await page.getByRole('navigation').count(), 1, 'skip links alone: nobody is signed in');
  await page.reload();
  assert.deepEqual(await chosen('ann'), {});
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('with scripts nothing is sent by itself either', async () => {
  const page = await open(browser);
  const sent = [];
  page.on('request', (request) => request.method() !== 'GET' && sent.push(request.url()));
  await page.goto(await linkFor('fred'));
  await page.waitForLoadState('networkidle');
  assert.deepEqual(sent, []);
  assert.deepEqual(await chosen('fred'), {});
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a category is stopped, and taken up again', async () => {
  const page = await unsubscribe('bob');
  await press(page, /about “News”/);
  assert.match(await page.getByRole('status').innerText(), /No more e-mail about “News”/);
  assert.deepEqual(await chosen('bob'), { news: 'off' });
  assert.deepEqual(await page.getByRole('button').allTextContents(), ['Undo', 'Stop all e-mail']);
  await press(page, 'Undo');
  assert.match(await page.getByRole('status').innerText(), /again/);
  assert.deepEqual(await chosen('bob'), {});
  await page.context().close();
});

test('all of it is stopped; the link shows that afterwards, and the way back', async () => {
  const page = await unsubscribe('hugo');
  const link = page.url();
  await press(page, 'Stop all e-mail');
  assert.deepEqual(await page.getByRole('button').allTextContents(), ['Undo']);
  await page.goto(link);
  assert.match(await page.locator('main').innerText(), /is off/);
  await page.context().close();
});

test('a category\'s label is text, however it looks', async () => {
  const page = await unsubscribe('dora', { kind: 'bad' });
  assert.equal(await page.locator('main img').count(), 0);
  assert.match(await page.locator('main').innerText(), /onerror=alert\(1\)/);
  await page.context().close();
});

test('every state is accessible, in both languages, narrow, dark and in forced colours', async () => {
  for (const [person, locale] of [['eve', 'en-GB'], ['gina', 'de-DE']]) {
    for (const kind of ['calm', 'bad']) { // a short label and a long one
      const page = await open(browser, { locale });
      await page.goto(await linkFor(person, kind));
      assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
      assert.deepEqual(await flaws(page), []);
      await press(page, /about|zu „/);
      assert.deepEqual(await flaws(page), []);
      await page.goto(page.url());
      assert.deepEqual(await flaws(page), []);
      await press(page, /all e-mail|Alle E-Mails/);
      assert.deepEqual(await flaws(page), []);
      await press(page, /Undo|Rückgängig/);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
  }
});

test('a link that is none shows what any address shows that nobody has', async () => {
  const page = await open(browser, { javaScriptEnabled: false });
  const answer = await page.goto(`${hub.url}/acme/u/v1.AAAA.dWFubgA.AAAAAAAAAAAAAAAAAAAAAA`);
  assert.equal(answer.status(), 404);
  assert.ok(!(await page.content()).includes('token'));
  await page.context().close();
});
