// SPDX-License-Identifier: Apache-2.0
// An address to which mail does not go: what its owner sees of that and does about it, and what the console shows. In a
// browser, mostly without scripts, in both languages, with nothing that axe finds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, leave, signIn } from '../node/support/browser.mjs';
import { FIXTURES, Hub, PLUGINS, TOKEN, baseConfig, bearer } from '../node/support/hub.mjs';

const NO_SCRIPT = { javaScriptEnabled: false };
const BOUNCED = 1, COMPLAINED = 3;
const HOSTILE = `550 5.1.1 <img src=x onerror=alert(1)> ${'x'.repeat(150)}`;
let hub, browser;

before(async () => {
  const config = baseConfig();
  config.hub.plugin_path = `${PLUGINS}:${FIXTURES}`;
  config.channels.post = { plugin: 'addresses_delivery' };
  const { users } = config.orgs.acme;
  Object.assign(users.ann, { email: 'ann@acme.example' });
  Object.assign(users, {
    ada: { name: 'Ada Admin', roles: ['admin'] },
    dora: { name: 'Dora', email: 'dora@acme.example', locale: 'de' },
    otto: { name: 'Otto', email: 'otto@acme.example', locale: 'de', roles: ['admin'] },
  });
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

async function ask(call, body) {
  const answer = await fetch(`${hub.url}/v1/acme/addresses/${call}`, {
    method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/json' },
    body: JSON.stringify({ org: 'acme', ...body }),
  });
  const { status } = await answer.json();
  assert.equal(status, 0);
}
const report = (what, address, detail) => ask('report', { what, address, detail });
const listed = async () => (await hub.get('/v1/acme/suppressions')).items.map((item) => item.address);

async function open(person, path, options = NO_SCRIPT) {
  const page = await signIn(browser, hub, person, options);
  await page.goto(`${hub.url}/acme${path}`);
  return page;
}

test('its owner reads why no mail comes, and allows it again', async () => {
  await report(BOUNCED, 'ann@acme.example', HOSTILE);
  const page = await open('ann', '/preferences');
  const trouble = page.getByRole('form', { name: /Mail to ann@acme.example came back on/ });
  assert.match(await trouble.innerText(), /Nothing is mailed to you until you allow it again/);
  assert.ok((await trouble.innerText()).includes(HOSTILE), 'what the server said is text');
  assert.equal(await page.locator('main img').count(), 0);
  await leave(page, () => trouble.getByRole('button', { name: 'Send mail to this address again' }).click());
  assert.equal(await page.getByRole('status').innerText(), 'Mail goes to your address again.');
  assert.equal(await page.getByText('came back').count(), 0);
  assert.deepEqual(await listed(), []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

for (const [person, options] of [['ann', {}], ['ann', { viewport: { width: 320, height: 700 }, colorScheme: 'dark' }], ['dora', {}]])
  test(`the page of ${person} has no faults ${JSON.stringify(options)}`, async () => {
    await report(person === 'dora' ? COMPLAINED : BOUNCED, `${person}@acme.example`, HOSTILE);
    const page = await open(person, '/preferences', options);
    if (person === 'dora') assert.match(await page.locator('#trouble').innerText(), /wurde am .* als unerwünscht gemeldet/);
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });

test('the console lists them, and takes one off the list', async () => {
  await report(BOUNCED, 'pat@shop.example', HOSTILE);
  await ask('stop', { address: 'eve@shop.example', category: 'news' });
  const page = await open('ada', '/admin/suppressions');
  const row = (address) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: address }) });
  assert.match(await row('pat@shop.example').innerText(), /mail came back/);
  assert.match(await row('eve@shop.example').innerText(), /wants no mail\s+news/);
  assert.equal(await page.locator('main img').count(), 0);
  await page.getByLabel('Reason').selectOption({ label: 'mail came back' });
  await leave(page, () => page.getByRole('button', { name: 'Show' }).click());
  assert.equal(await row('eve@shop.example').count(), 0);
  await leave(page, () => page.getByRole('button', { name: 'Remove pat@shop.example' }).click());
  assert.equal(await page.getByRole('status').innerText(), 'Mail goes to the address again.');
  assert.ok(!(await listed()).includes('pat@shop.example') && (await listed()).includes('eve@shop.example'));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

for (const [person, options] of [['ada', {}], ['otto', { viewport: { width: 320, height: 700 }, colorScheme: 'dark' }]])
  test(`the console's list has no faults ${JSON.stringify(options)}`, async () => {
    await report(BOUNCED, 'pat@shop.example', HOSTILE);
    const page = await open(person, '/admin/suppressions', options);
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
