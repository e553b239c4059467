// SPDX-License-Identifier: Apache-2.0
// The portal in a browser: an integrator comes by a link, adds an endpoint and sees to it; without scripts, with the
// keyboard, and with no fault that axe finds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, leave, signIn } from '../node/support/browser.mjs';
import { bearer } from '../node/support/hub.mjs';
import { NO_SCRIPT, Portal, SECRET, follow, press } from '../node/support/portal.mjs';
import { Receiver } from '../node/support/receiver.mjs';
import { until } from '../node/support/wait.mjs';

const HOSTILE = '<img src=x onerror=alert(1)> & </textarea><script>alert(1)</script>';
let portal, hub, browser, receiver;
const call = (...args) => portal.call(...args), visit = (...args) => portal.visit(...args);
const add = (...args) => portal.add(...args);

before(async () => {
  portal = await Portal.start();
  ({ hub, browser, receiver } = portal);
});
after(() => portal?.stop());

test('without scripts: an endpoint is added, its secret shown once, changed, and deleted', async () => {
  const page = await visit('customer-1');
  assert.match(await page.locator('main').innerText(), /There are no endpoints yet/);
  const { secret, id } = await add(page, '/one', async () => {
    await page.getByLabel('Description').fill(HOSTILE);
    await page.getByLabel('Only these:').check();
    await page.getByRole('checkbox', { name: /^record\.assigned/ }).check();
    await page.getByLabel('Other types').fill('invoice.* booking.disputed');
    await page.getByLabel('Only when').fill('severity: {gte: warning}\nsource: crm');
    await page.getByLabel('Name 1').fill('X-Customer');
    await page.getByLabel('Value 1').fill('one');
    await page.getByLabel('Most a minute').fill('120');
    await page.getByLabel('At once').fill('4');
    await page.getByLabel('Order').selectOption('fifo');
  });
  const made = await call('GET', `/endpoints/${id}`);
  assert.deepEqual(made.types.toSorted(), ['booking.disputed', 'invoice.*', 'record.assigned']);
  assert.deepEqual(made.when, { severity: { gte: 'warning' }, source: 'crm' });
  assert.deepEqual(made.headers, { 'X-Customer': 'one' });
  assert.deepEqual([made.rate, made.concurrency, made.order, made.owner], [120, 4, 'fifo', 'token:shop/customer-1']);
  assert.ok(!(await page.content()).includes(secret), 'the secret is not shown again');
  assert.equal(await page.locator('main img').count(), 0, 'a description is text');

  await follow(page, 'Change');
  assert.equal(await page.getByLabel('Description').inputValue(), HOSTILE.trim());
  assert.equal(await page.getByLabel('Other types').inputValue(), 'invoice.* booking.disputed');
  assert.match(await page.getByLabel('Only when').inputValue(), /"gte": "warning"/);
  await page.getByLabel('Description').fill('Bookkeeping');
  await page.getByLabel('Name 1').fill('');
  await page.getByLabel('Value 1').fill('');
  await page.getByLabel('Only when').fill('');
  await page.getByLabel('Most a minute').fill('');
  await press(page, 'Save');
  assert.match(await page.getByRole('status').innerText(), /in force/);
  const changed = await call('GET', `/endpoints/${id}`);
  assert.deepEqual([changed.description, changed.headers, changed.when, changed.rate], ['Bookkeeping', {}, null, null]);
  assert.deepEqual(changed.types.toSorted(), made.types.toSorted());

  await follow(page, 'Delete');
  assert.match(await page.locator('main').innerText(), /gone for good/);
  await press(page, 'Delete');
  assert.match(await page.getByRole('status').innerText(), /deleted/);
  assert.match(await page.locator('main').innerText(), /There are no endpoints yet/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('what the API does not take is said at its field, and what was typed stays', async () => {
  const page = await visit('customer-2', {});
  await page.goto(`${hub.url}/acme/endpoints/new`);
  await page.getByLabel('URL', { exact: true }).fill('ftp://files.example');
  await page.getByLabel('Most a minute').fill('many');
  await page.getByLabel('Only when').fill('severity: {greater: warning} # mine');
  await page.getByLabel('Only these:').check();
  await page.getByLabel('Other types').fill('invoice.* bad..type');
  await press(page, 'Save');
  const said = async (label) => {
    const field = page.getByLabel(label, { exact: true });
    assert.equal(await field.getAttribute('aria-invalid'), 'true', label);
    const ids = (await field.getAttribute('aria-describedby')).split(' ');
    return page.locator(`#${ids.pop()}`).innerText();
  };
  assert.match(await said('URL'), /http/);
  assert.match(await page.locator('#types-wrong').innerText(), /^.?.?bad\.\.type: must be/m, 'which one');
  assert.match(await said('Most a minute'), /number/);
  assert.match(await said('Only when'), /severity.*greater/);
  assert.equal(await page.getByLabel('Most a minute').inputValue(), 'many');
  assert.equal(await page.getByLabel('Only when').inputValue(), 'severity: {greater: warning} # mine');
  assert.ok(await page.getByRole('alert').getByRole('link', { name: 'URL' }).getAttribute('href') === '#url');
  assert.deepEqual(await flaws(page), []);
  await page.getByLabel('Only when').fill('severity: [unclosed');
  for (const number of [1, 2]) {
    await page.getByLabel(`Name ${number}`).fill('X-Twice');
    await page.getByLabel(`Value ${number}`).fill(`value ${number}`);
  }
  await press(page, 'Save');
  assert.match(await page.locator('#headers-wrong').innerText(), /X-Twice: is there twice/);
  assert.deepEqual([await page.getByLabel('Value 1').inputValue(), await page.getByLabel('Value 2').inputValue()],
    ['value 1', 'value 2']);
  assert.match(await said('Only when'), /line \d/);
  assert.equal(await page.getByLabel('Only when').inputValue(), 'severity: [unclosed');
  assert.deepEqual((await call('GET', '/endpoints')).items.filter((e) => e.owner.endsWith('customer-2')), []);
  await page.context().close();
});

test('who was overtaken sees by what, and may save over it', async () => {
  const page = await visit('customer-3', {});
  const { id } = await add(page, '/three');
  await follow(page, 'Change');
  await call('PATCH', `/endpoints/${id}`, { description: 'Theirs', rate: 7, types: ['invoice.paid', 'order.*'] });
  await page.getByLabel('Description').fill('Mine');
  await press(page, 'Save');
  const alert = await page.getByRole('alert').innerText();
  assert.match(alert, /Somebody else changed/);
  assert.match(alert, /Theirs/);
  assert.match(alert, /invoice\.paid order\.\*/);
  assert.match(alert, /7/);
  assert.equal((await call('GET', `/endpoints/${id}`)).description, 'Theirs');
  assert.equal(await page.getByLabel('Description').inputValue(), 'Mine');
  assert.deepEqual(await flaws(page), []);
  await press(page, 'Save');
  assert.match(await page.getByRole('status').innerText(), /in force/);
  assert.equal((await call('GET', `/endpoints/${id}`)).description, 'Mine');
  await page.context().close();
});

test('a form that comes twice makes no second endpoint, and no second secret', async () => {
  const page = await visit('customer-12');
  const mine = async () => (await call('GET', '/endpoints')).items.filter((e) => e.owner === 'token:shop/customer-12');
  await page.goto(`${hub.url}/acme/endpoints/new`);
  await page.getByLabel('URL', { exact: true }).fill(receiver.url('/twice'));
  await press(page, 'Save');
  await page.getByLabel('Signing secret').waitFor();
  assert.equal((await page.reload()).status(), 409);
  assert.match(await page.getByRole('alert').innerText(), /added a moment ago/);
  assert.equal((await mine()).length, 1);
  await press(page, 'Save');
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/, 'a second one that is wanted');
  assert.equal((await mine()).length, 2);

  await follow(page, 'To the endpoint');
  await follow(page, 'New secret');
  await press(page, 'New secret');
  await page.getByLabel('Signing secret').waitFor();
  const { id, version } = (await mine())[0];
  assert.equal((await page.reload()).status(), 409);
  assert.match(await page.getByRole('alert').innerText(), /No new secret/);
  assert.equal((await call('GET', `/endpoints/${id}`)).version, version);
  await press(page, 'New secret');
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/);
  await page.context().close();
});

test('a session that ended in the middle of a form loses nothing that was typed', async () => {
  const page = await visit('customer-13');
  await page.goto(`${hub.url}/acme/endpoints/new`);
  await page.getByLabel('URL', { exact: true }).fill(receiver.url('/thirteen'));
  await page.getByLabel('Description').fill('Typed for a long time');
  const secret = (text) => hub.reload((config) => { config.auth.tokens.find((t) => t.name === 'shop').secret = text; });
  const other = 'token-of-the-application-after-a-leak';
  await secret(other); // which ends what the old one opened
  await press(page, 'Save');
  assert.match(await page.locator('main').innerText(), /access to these pages has ended[^]*load this page again/);
  const answer = await fetch(`${hub.url}/v1/acme/portal-links`, {
    method: 'POST', headers: { ...bearer(other), 'content-type': 'application/json' }, body: '{"owner":"customer-13"}',
  });
  const link = new URL((await answer.json()).url);
  const tab = await page.context().newPage();
  await tab.goto(hub.url + link.pathname + link.search);
  await page.reload();
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/);
  await tab.reload();
  assert.match(await tab.locator('main').innerText(), /Typed for a long time/);
  await tab.goto(`${hub.url}/acme/endpoints/one/nothing`);
  await leave(tab, () => tab.getByRole('link', { name: 'Go to your endpoints' }).click());
  assert.equal(new URL(tab.url()).pathname, '/acme/endpoints', 'the way back of a page that there is none');
  await secret(SECRET);
  await page.context().close();
});

test('types are chosen where only some are wanted, and a hundred of them leave the pages readable', async () => {
  const page = await visit('customer-15');
  await page.goto(`${hub.url}/acme/endpoints/new`);
  assert.equal(await page.getByRole('checkbox', { name: /^record\.assigned/ }).isVisible(), false, 'every type');
  await page.getByLabel('Only these:').check();
  assert.equal(await page.getByRole('checkbox', { name: /^record\.assigned/ }).isVisible(), true);
  const { id } = await add(page, '/fifteen', async () => {
    await page.getByLabel('Only these:').check();
    await page.getByLabel('Other types').fill(Array.from({ length: 100 }, (_, i) => `order.number-${i}`).join(' '));
  });
  const list = page.locator('dl div', { hasText: 'Event types' });
  assert.ok((await list.boundingBox()).width > 800, 'they have the width of the page');
  await page.goto(`${hub.url}/acme/endpoints`);
  assert.match(await page.getByRole('row', { name: /fifteen/ }).innerText(), /order\.number-4 and 95 more/);
  await call('PATCH', `/endpoints/${id}`, { types: ['*'] });
  await page.reload();
  assert.match(await page.getByRole('row', { name: /fifteen/ }).innerText(), /every type/);
  await page.setViewportSize({ width: 320, height: 800 });
  await hub.case('bob', 'odd', 'Something to tell');
  const time = page.getByRole('row', { name: /fifteen/ }).locator('time');
  await until(async () => (await page.reload()) && (await time.count()), 'it was told');
  const [inner, outer] = [await time.boundingBox(), await page.getByRole('row', { name: /fifteen/ }).boundingBox()];
  assert.ok(inner.x + inner.width <= outer.x + outer.width, 'a time stays in its card');
  await page.context().close();
});

test('two customers do not see each other, the application sees both, and an admin all there is', async () => {
  const [one, two] = [await visit('customer-4'), await visit('customer-5')];
  const { id } = await add(one, '/four');
  await add(two, '/five');
  await two.goto(`${hub.url}/acme/endpoints`);
  const list = await two.locator('main').innerText();
  assert.ok(list.includes('/five') && !list.includes('/four') && !list.includes('/file'), list);
  for (const path of ['', '/edit', '/attempts', '/test', '/rotate', '/recover', '/disable', '/delete'])
    assert.equal((await two.goto(`${hub.url}/acme/endpoints/${id}${path}`)).status(), 404, path);
  const names = (await call('GET', '/endpoints')).items.map((e) => e.url);
  assert.ok(names.some((url) => url.endsWith('/four')) && names.some((url) => url.endsWith('/five')));
  const ada = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await ada.goto(`${hub.url}/acme/admin/endpoints`);
  await follow(ada, 'Add and change endpoints');
  const all = await ada.locator('main').innerText();
  assert.ok(all.includes('/four') && all.includes('/five') && all.includes('/file'), all);
  await Promise.all([one, two, ada].map((page) => page.context().close()));
});

test('an endpoint of the configuration is looked at and switched, and not changed', async () => {
  const page = await signIn(browser, hub, 'ada', NO_SCRIPT);
  await page.goto(`${hub.url}/acme/endpoints`);
  await leave(page, () => page.getByRole('link', { name: receiver.url('/file') }).click());
  assert.match(await page.locator('main').innerText(), /stands in the configuration file/);
  assert.equal(await page.getByRole('link', { name: 'Change', exact: true }).count(), 0);
  await follow(page, 'Disable');
  await press(page, 'Disable');
  assert.match(await page.getByRole('status').innerText(), /What comes is held/);
  await follow(page, 'Enable');
  await press(page, 'Enable');
  assert.match(await page.getByRole('status').innerText(), /goes out now/);
  await page.context().close();
});

test('another secret is shown once, and signs from then on', async () => {
  const page = await visit('customer-6', {});
  const { secret } = await add(page, '/six', () => page.getByLabel('v1a (Ed25519)').check());
  await follow(page, 'New secret');
  await page.getByLabel('The old one signs for').selectOption('3600');
  await press(page, 'New secret');
  const fresh = await page.getByLabel('Signing secret').inputValue();
  assert.match(fresh, /^whsec_\S+$/, 'and not the private key of v1a');
  assert.notEqual(fresh, secret);
  assert.match(await page.getByLabel('Public key').inputValue(), /^whpk_/);
  assert.deepEqual(await flaws(page), []);
  await page.context().close();
});

test('a test is sent and its attempt shown, with what was asked and answered', async () => {
  const page = await visit('customer-7', {});
  const { id } = await add(page, '/seven');
  await follow(page, 'Send a test');
  await page.getByLabel('Event type').selectOption('record.assigned');
  await press(page, 'Show');
  assert.match(await page.locator('pre').first().innerText(), /"type": "record.assigned"/);
  await press(page, 'Send it');
  await page.getByText('Request and response').first().waitFor();
  await page.getByText('Request and response').first().click();
  const asked = await page.locator('details pre').first().innerText();
  assert.match(asked, /webhook-id: msg_/);
  assert.match(asked, /webhook-signature: \*\*\*/);
  assert.doesNotMatch(await page.locator('.timeline').innerText(), /http_200/, 'the status is said once');
  assert.ok(receiver.requests.some((request) => request.url === '/seven'));
  assert.deepEqual(await flaws(page), []);
  await page.goto(`${hub.url}/acme/endpoints/${id}/attempts`);
  const before = receiver.requests.filter((request) => request.url === '/seven');
  await leave(page, () => page.getByRole('button', { name: /^Send again/ }).first().click());
  assert.match(await page.getByRole('status').innerText(), /same webhook-id/);
  const again = await until(() => {
    const now = receiver.requests.filter((request) => request.url === '/seven');
    return now.length > before.length && now;
  }, 'it comes again');
  assert.equal(again.at(-1).headers['webhook-id'], before[0].headers['webhook-id']);
  assert.deepEqual(page.complaints, []);
  const test = () => fetch(`${hub.url}/v1/acme/endpoints/${id}/test`, { method: 'POST', headers: bearer(SECRET) });
  await until(async () => (await test()).status === 429, 'it was tested ten times');
  await page.goto(`${hub.url}/acme/endpoints/${id}/test?type=record.assigned`);
  await press(page, 'Send it');
  assert.match(await page.getByRole('alert').innerText(), /ten times within a minute/);
  assert.match(await page.locator('pre').first().innerText(), /"type": "record.assigned"/, 'and the form is there still');
  assert.deepEqual(await flaws(page), []);
  await page.context().close();
});

test('what was missed is sent again from a time on', async () => {
  const page = await visit('customer-8');
  await add(page, '/eight');
  await follow(page, 'Send again what was missed');
  await press(page, 'Send again what was missed');
  assert.equal(await page.getByLabel('From').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('From').fill('2026-01-01T00:00');
  await press(page, 'Send again what was missed');
  assert.match(await page.getByRole('status').innerText(), /deliver(y|ies) go(es)? out again/);
  await page.context().close();
});

test('the times of what was missed are those that the pages show', async () => {
  const page = await visit('customer-14');
  const { id } = await add(page, '/fourteen');
  const shown = (iso) => {
    const part = Object.fromEntries(new Intl.DateTimeFormat('en', {
      timeZone: 'Europe/Berlin', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
    return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
  };
  const { disabled_at: since } = await call('POST', `/endpoints/${id}/disable`);
  await page.goto(`${hub.url}/acme/endpoints/${id}/recover`);
  assert.match(await page.locator('main').innerText(), /Time zone: Europe.Berlin/);
  assert.equal(await page.getByLabel('From', { exact: true }).inputValue(), shown(since), 'since it gets nothing');
  const year = new Date(since).getUTCFullYear() - 1; // all of it has passed
  const recover = async (before) => {
    await page.goto(`${hub.url}/acme/endpoints/${id}/recover`);
    await page.getByLabel('From', { exact: true }).fill(`${year}-01-01T00:00`);
    await page.getByLabel('Before (empty: now)').fill(before);
    await press(page, 'Send again what was missed');
    const { items } = await hub.get('/v1/acme/audit?what=endpoint.recover');
    return Date.parse(items[0].detail.until);
  };
  assert.equal(await recover(`${year}-01-15T10:30`), Date.UTC(year, 0, 15, 9, 30), 'in winter');
  assert.equal(await recover(`${year}-07-15T11:30`), Date.UTC(year, 6, 15, 9, 30), 'in summer');
  await page.context().close();
});

test('what an endpoint answers is text, and never more', async () => {
  const page = await visit('customer-9', {});
  const hostile = await Receiver.start(500);
  hostile.server.removeAllListeners('request');
  hostile.server.on('request', (request, response) => {
    response.writeHead(500, { 'content-type': 'text/html', 'x-hostile': '<b>bold</b>' });
    response.end(`</pre><script>document.title = 'owned'</script><img src=x onerror=alert(1)>\u202e${'x'.repeat(3000)}`);
  });
  const { id } = await call('POST', '/endpoints', { url: hostile.url('/nine') });
  await hub.case('bob', 'odd', HOSTILE);
  await until(async () => (await call('GET', `/endpoints/${id}/attempts`)).items.length, 'it was tried');
  const { url } = await call('POST', '/portal-links', {});
  await page.context().clearCookies();
  await page.goto(hub.url + new URL(url).pathname + new URL(url).search);
  await page.goto(`${hub.url}/acme/endpoints/${id}/attempts?failed=true`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  assert.notEqual(await page.title(), 'owned');
  assert.equal(await page.locator('main img, main b').count(), 0);
  assert.ok((await page.locator('main').innerText()).includes("document.title = 'owned'"));
  assert.deepEqual(await flaws(page), []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
  await hostile.stop();
});

const PAGES = ['', '/new', '/types', '/verify', '/{id}', '/{id}/edit', '/{id}/attempts', '/{id}/attempts?failed=true',
  '/{id}/test', '/{id}/rotate', '/{id}/recover', '/{id}/disable', '/{id}/delete'];
test('no page has a fault, in English and in German', async () => {
  const page = await visit('customer-10', {});
  const { id } = await add(page, '/ten');
  for (const path of PAGES) {
    assert.equal((await page.goto(`${hub.url}/acme/endpoints${path.replace('{id}', id)}`)).status(), 200, path);
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    assert.deepEqual(await flaws(page), [], path);
  }
  assert.deepEqual(page.complaints, []);
  const german = await visit('customer-10', { ...NO_SCRIPT, locale: 'de-DE' });
  for (const path of PAGES) {
    await german.goto(`${hub.url}/acme/endpoints${path.replace('{id}', id)}`);
    assert.equal(await german.locator('html').getAttribute('lang'), 'de');
    await german.evaluate(() => document.querySelectorAll('[lang=en], code, pre').forEach((one) => one.remove()));
    assert.doesNotMatch(await german.locator('main').innerText(), /[a-z]+\.[a-z_]+_hint|\b(the|endpoints)\b/, path);
  }
  await page.context().close();
  await german.context().close();
});

test('with the keyboard alone', async () => {
  const page = await visit('customer-11');
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Add an endpoint' }).first().focus();
  await leave(page, () => page.keyboard.press('Enter'));
  await page.getByLabel('URL', { exact: true }).focus();
  await page.keyboard.type(receiver.url('/eleven'));
  await leave(page, () => page.keyboard.press('Enter'));
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/);
  await page.context().close();
});
