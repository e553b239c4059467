// SPDX-License-Identifier: Apache-2.0
// The portal's form when things go wrong: what was typed is kept whatever happens, and what is wrong is said where it
// is, in the reader's language.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws } from '../node/support/browser.mjs';
import { Portal, follow, press } from '../node/support/portal.mjs';

const GERMAN = { locale: 'de-DE' };
let portal;
const call = (...args) => portal.call(...args);

before(async () => {
  portal = await Portal.start((config) => {
    config.hub.limits.endpoints_per_org = 12;
  });
});
after(() => portal?.stop());

// What is said at a field that has this label, which is marked as wrong.
async function said(page, label) {
  const field = page.getByLabel(label, { exact: true });
  assert.equal(await field.getAttribute('aria-invalid'), 'true', label);
  return page.locator(`#${(await field.getAttribute('aria-describedby')).split(' ').pop()}`).innerText();
}

test('metadata is seen and changed as lines of a name and a value, whatever a program has put there', async () => {
  const page = await portal.visit('meta');
  const { id } = await portal.add(page, '/meta', async () => {
    await page.getByLabel('Metadata').fill('customer = 42\n\n  ref=a=b  \nempty =');
  });
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, { customer: '42', ref: 'a=b', empty: '' });
  assert.match(await page.locator('main').innerText(), /customer: 42/);

  const odd = { 'a=b': 'two\nlines', ' blanks ': ' kept ', quoted: '"so"', 'half"': '"', 'Größe': 'ü' };
  await call('PATCH', `/endpoints/${id}`, { metadata: { ...odd, ref: null } });
  await follow(page, 'Change');
  const text = await page.getByLabel('Metadata').inputValue();
  assert.match(text, /^customer = 42$/m);
  assert.match(text, /^"a=b" = "two\\nlines"$/m);
  await page.getByLabel('Description').fill('Another one');
  await press(page, 'Save');
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, { customer: '42', empty: '', ...odd },
    'what is not touched stays');

  await follow(page, 'Change');
  await page.getByLabel('Metadata').fill('customer = 43');
  await press(page, 'Save');
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, { customer: '43' }, 'lines that are gone are gone');
  await page.context().close();
});

test('what is wrong with metadata is said with its line, and what was typed stays', async () => {
  const page = await portal.visit('meta-wrong', {});
  const { id } = await portal.add(page, '/meta-wrong');
  const typed = `customer = 42\nno sign\n= nothing\ncustomer = 43\nlong = ${'x'.repeat(501)}`;
  await follow(page, 'Change');
  await page.getByLabel('Metadata').fill(typed);
  await press(page, 'Save');
  const lines = await said(page, 'Metadata');
  assert.match(lines, /Line 2: there is no =/);
  assert.match(lines, /Line 3: there is no name/);
  assert.match(lines, /Line 4: is there twice/);
  assert.equal(await page.getByLabel('Metadata').inputValue(), typed);
  assert.equal(await page.getByRole('alert').getByRole('link', { name: 'Metadata' }).first().getAttribute('href'),
    '#metadata');
  assert.deepEqual(await flaws(page), []);
  await page.getByLabel('Metadata').fill(`customer = 42\nlong = ${'x'.repeat(501)}`);
  await press(page, 'Save');
  assert.match(await said(page, 'Metadata'), /Line 2: .*500/);
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, {});
  await page.context().close();
});

test('what is no metadata at all has its first faults said, and much metadata is no obstacle', async () => {
  const page = await portal.visit('meta-much', {});
  const { id } = await portal.add(page, '/meta-much');
  const typed = 'x\n'.repeat(3000).trim();
  const paste = (text) => page.getByLabel('Metadata').evaluate((field, all) => {
    field.value = all;
  }, text);
  await follow(page, 'Change');
  await paste(typed);
  await page.getByLabel('Most a minute').fill('many');
  await press(page, 'Save');
  const lines = (await said(page, 'Metadata')).match(/Line \d+/g);
  assert.deepEqual(lines, Array.from({ length: 60 }, (_, n) => `Line ${n + 1}`));
  assert.equal(await page.getByLabel('Metadata').inputValue(), typed);
  assert.equal(await page.getByLabel('Most a minute').inputValue(), 'many');
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, {});

  const much = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`name-${n}`, 'ж'.repeat(225)]));
  const asLines = Object.entries(much).map(([name, value]) => `${name} = ${value}`).join('\n');
  await paste(asLines);
  await page.getByLabel('Most a minute').fill('60');
  await press(page, 'Save');
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, much);
  await page.goto(portal.at('/new'));
  await page.getByLabel('URL', { exact: true }).fill(portal.receiver.url('/meta-more'));
  await paste(asLines);
  await press(page, 'Save');
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/);
  await page.context().close();
});

test('an endpoint that is deleted while somebody changes it leaves what they typed, to be added anew', async () => {
  const page = await portal.visit('gone', {});
  const { id } = await portal.add(page, '/gone');
  await follow(page, 'Change');
  await page.getByLabel('Description').fill('Typed for a long time');
  await page.getByLabel('Metadata').fill('customer = 42');
  await page.getByLabel('Most a minute').fill('many');
  await call('DELETE', `/endpoints/${id}`);
  await press(page, 'Save');
  assert.match(await page.getByRole('alert').innerText(), /deleted meanwhile[^]*nothing that you typed is lost/);
  assert.equal(await page.getByLabel('Description').inputValue(), 'Typed for a long time');
  assert.equal(await page.getByLabel('Metadata').inputValue(), 'customer = 42');
  assert.equal(await page.getByLabel('Most a minute').inputValue(), 'many');
  assert.deepEqual(await flaws(page), []);
  await page.getByLabel('Most a minute').fill('60');
  await press(page, 'Save');
  assert.match(await page.getByLabel('Signing secret').inputValue(), /^whsec_/);
  const again = (await call('GET', '/endpoints')).items.find((one) => one.owner === 'token:shop/gone');
  assert.deepEqual([again.description, again.rate, again.metadata], ['Typed for a long time', 60, { customer: '42' }]);
  assert.notEqual(again.id, id);
  await page.context().close();
});

test('who was overtaken and typed something wrong besides loses neither', async () => {
  const page = await portal.visit('both');
  const { id } = await portal.add(page, '/both');
  await follow(page, 'Change');
  await call('PATCH', `/endpoints/${id}`, { metadata: { theirs: 'yes' }, order: 'fifo', handshake: true });
  await page.getByLabel('Metadata').fill('mine = yes');
  await press(page, 'Save');
  const alert = await page.getByRole('alert').innerText();
  assert.match(alert, /Somebody else changed/);
  assert.match(alert, /theirs = yes/);
  assert.match(alert, /In order, by subject/, 'in the words of the form');
  assert.match(alert, /wants our events\s*yes/);
  assert.equal(await page.getByLabel('Metadata').inputValue(), 'mine = yes');
  await page.getByLabel('Most a minute').fill('many');
  await press(page, 'Save');
  assert.match(await said(page, 'Most a minute'), /whole number/);
  assert.equal(await page.getByLabel('Metadata').inputValue(), 'mine = yes');
  await page.getByLabel('Most a minute').fill('');
  await press(page, 'Save');
  assert.deepEqual((await call('GET', `/endpoints/${id}`)).metadata, { mine: 'yes' });
  await page.context().close();
});

test('on a narrow screen nothing is cut off: not what is wrong, and not the secret', async () => {
  const page = await portal.visit('narrow', { viewport: { width: 360, height: 740 } });
  await page.goto(portal.at('/new'));
  await page.getByLabel('URL', { exact: true }).fill('http://10.0.0.1/inside');
  await press(page, 'Save');
  const box = await page.locator('#url-wrong').boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 360);
  assert.equal(await page.locator('#url-wrong').evaluate((one) => getComputedStyle(one, '::before').content), 'none',
    'the mark stands before the words, not alone on a line');
  await page.getByLabel('URL', { exact: true }).fill(portal.receiver.url('/narrow'));
  await press(page, 'Save');
  const secret = page.getByLabel('Signing secret');
  assert.match(await secret.inputValue(), /^whsec_\S{44}$/);
  assert.ok(await secret.evaluate((one) => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight),
    'all of it is seen');
  await page.context().close();
});

test('German readers are told in German what is wrong, and what is English is marked so', async () => {
  const page = await portal.visit('german', GERMAN);
  const english = async () => {
    const copy = await page.locator('main').evaluateHandle((main) => main.cloneNode(true));
    return copy.evaluate((main) => {
      main.querySelectorAll('[lang=en], code, pre, input, textarea').forEach((one) => one.remove());
      return main.textContent.match(/\b(the|must|is|number|there|needs|which|already|endpoint)\b/g);
    });
  };
  await page.goto(portal.at('/new'));
  await page.getByLabel('URL', { exact: true }).fill('http://10.0.0.1/inside');
  await page.getByLabel('Nur diese:').check();
  await page.getByLabel('Weitere Typen').fill('bad..type');
  await page.getByLabel('Nur wenn').fill('severity: {greater: warning}');
  await page.getByLabel('Höchstens pro Minute').fill('viele');
  await page.getByLabel('Gleichzeitig').fill('1000');
  await page.getByLabel('Metadaten').fill('ohne');
  await page.getByLabel('v1 (HMAC-SHA256)').uncheck();
  await press(page, 'Speichern');
  assert.match(await said(page, 'Metadaten'), /Zeile 1: .*fehlt das =/);
  await page.getByLabel('Metadaten').fill(`lang = ${'x'.repeat(501)}`);
  await page.getByLabel('Beschreibung').fill('x'.repeat(501));
  await page.getByLabel('Name 1').fill('Bad Name');
  await page.getByLabel('Wert 1').fill('v');
  await page.getByLabel('Name 2').fill('Authorization');
  await page.getByLabel('Wert 2').fill('***');
  await press(page, 'Speichern');
  const links = await page.getByRole('alert').getByRole('link').evaluateAll((all) => all.map((one) => one.hash));
  assert.deepEqual([...new Set(links)],
    ['#url', '#description', '#types', '#when', '#headers', '#metadata', '#rate', '#concurrency', '#signatures'],
    'in the order of the form');
  assert.match(await said(page, 'URL'), /privates Netz.*private address/s);
  assert.match(await page.locator('#types-wrong').innerText(), /bad\.\.type: Nötig ist/);
  assert.match(await said(page, 'Nur wenn'), /severity.*Bedingung/);
  assert.match(await said(page, 'Höchstens pro Minute'), /ganze Zahl/);
  assert.match(await said(page, 'Gleichzeitig'), /1 bis 64/);
  assert.match(await said(page, 'Metadaten'), /Zeile 1: .*500/);
  assert.match(await said(page, 'Beschreibung'), /500 Zeichen/);
  assert.match(await page.locator('#headers-wrong').innerText(), /Bad Name: Dieser Header[^]*Authorization: \*\*\* steht/);
  assert.match(await page.locator('#signatures-wrong').innerText(), /mindestens eine/);
  assert.equal(await english(), null);
  assert.deepEqual(await flaws(page), []);

  await page.goto(portal.at('/new'));
  await press(page, 'Speichern');
  assert.match(await said(page, 'URL'), /wohin Ereignisse/);
  assert.equal(await english(), null);
  await page.context().close();
});

test('what a deed is refused for is said in German, too', async () => {
  const page = await portal.visit('refused', GERMAN);
  const [{ id }, { id: gone }] = [await call('POST', '/endpoints', { url: portal.receiver.url('/refused') }),
    await call('POST', '/endpoints', { url: portal.receiver.url('/refused-too') })];
  const { url } = await call('POST', '/portal-links');
  await page.context().clearCookies();
  await page.goto(portal.hub.url + new URL(url).pathname + new URL(url).search);
  await page.goto(portal.at(`/${gone}/test`));
  await call('DELETE', `/endpoints/${gone}`);
  await press(page, 'Senden');
  assert.match(await page.locator('main').innerText(), /Vielleicht wurde es gelöscht/);
  await page.goto(portal.at(`/${id}/delete`));
  await call('PATCH', `/endpoints/${id}`, { description: 'Changed' });
  await press(page, 'Löschen');
  assert.match(await page.locator('main').innerText(), /es gibt ihn noch/);
  await page.goto(portal.at('/new'));
  await page.getByLabel('URL', { exact: true }).fill(portal.receiver.url('/full'));
  await page.getByLabel('Beschreibung').fill('Lange getippt');
  for (let count = (await portal.hub.get('/v1/acme/endpoints')).items.length; count < 12; count++)
    await call('POST', '/endpoints', { url: portal.receiver.url(`/full-${count}`) });
  await press(page, 'Speichern');
  assert.match(await page.getByRole('alert').innerText(), /kein Endpunkt hinzufügen/);
  assert.match(await page.locator('[role=alert] [lang=en]').innerText(), /12 endpoints/);
  assert.equal(await page.getByLabel('Beschreibung').inputValue(), 'Lange getippt');
  assert.deepEqual(await flaws(page), []);
  await page.context().close();
});
