// SPDX-License-Identifier: Apache-2.0
// What docs/embed.md promises to pages is what the elements have: attributes, properties, methods, events, parts, slots,
// custom properties. Each list is written down once more here, so that neither side changes alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from '../node/support/browser.mjs';
import { heard, host as embed, tag } from '../node/support/elements.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const ATTRIBUTES = 'src href auth live filter limit label lang target theme max-count placement open'.split(' ');
const EVENTS = 'ready count open close activate action auth error'.split(' ');
const PARTS = ('button icon badge popover header title list item item-unread item-link item-meta severity actions empty ' +
  'error footer').split(' ');
const TILE_PARTS = ['tile', 'count'];
const SLOTS = ['icon', 'header', 'empty', 'footer'];
const PROPERTIES = ('fg bg muted border accent unread critical error warning info success focus radius font size width ' +
  'max-height z').split(' ');
const TEXT = readFileSync(new URL('../../docs/embed.md', import.meta.url), 'utf8');
const LOOKS = TEXT.slice(TEXT.indexOf('## Looks'), TEXT.indexOf('```html'));
const codes = (text) => [...text.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code.split(/\s+/));
const rows = (from, to) => TEXT.slice(TEXT.indexOf(from), TEXT.indexOf(to)).split('\n')
  .filter((line) => line.startsWith('| `')).flatMap((line) => codes(line.split('|')[1]));

let hub, browser;
const host = (...what) => embed(browser, hub, ...what);
before(async () => {
  const config = baseConfig();
  for (const name of ['dora', 'eve', 'fay']) config.orgs.acme.users[name] = { name };
  config.sources.deals = { plugin: 'approval' };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  for (const kind of ['calm', 'fine', 'odd', 'bad', 'worst']) await hub.case('dora', kind, `A ${kind} thing`);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

test('the document names them all, and no other', () => {
  assert.deepEqual(rows('## Attributes', 'Properties:'), ATTRIBUTES);
  assert.deepEqual(rows('## Events', 'Your router'), EVENTS.map((name) => `belfry-${name}`));
  assert.deepEqual(codes(LOOKS),
    [...PARTS, ...TILE_PARTS, ...SLOTS, ...PROPERTIES.map((name) => `--belfry-${name}`)]);
});

// The parts that a page could style now, of what it sees.
const parts = (page, name) => page.evaluate((of) => [...document.querySelector(of).shadowRoot.querySelectorAll('[part]')]
  .filter((one) => one.checkVisibility()).flatMap((one) => [...one.part]), name);

test('each part is there to be styled, in a page with policies of its own', async () => {
  const head = `<meta http-equiv="content-security-policy"
    content="require-trusted-types-for 'script'; trusted-types app; style-src 'none'; object-src 'none'">`;
  const page = await host('dora', tag('bell', 'open') + tag('tile'), { head });
  await page.getByRole('link', { name: 'Unread A worst thing' }).waitFor();
  const seen = new Set([...await parts(page, 'belfry-bell'), ...await parts(page, 'belfry-tile')]);
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await page.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
  await page.evaluate(() => document.querySelector('belfry-bell').setAttribute('filter', 'read=unread'));
  await page.getByText('You’re all caught up').waitFor();
  for (const one of await parts(page, 'belfry-bell')) seen.add(one);
  await page.route(`${hub.url}/v1/acme/**`, (route) => route.fulfill({ status: 500, json: {} }));
  await page.evaluate(() => document.querySelector('belfry-bell').refresh());
  await page.getByText('Couldn’t refresh').waitFor();
  for (const one of await parts(page, 'belfry-bell')) seen.add(one);
  assert.deepEqual([...seen].sort(), [...PARTS, ...TILE_PARTS].sort());
  assert.ok(await page.evaluate(() => trustedTypes.createPolicy('app', {})), 'the page has its own');
  assert.deepEqual(page.complaints.filter((text) => !text.includes('500')), []);
  await page.context().close();
});

test('each slot shows what the page puts into it, instead of ours', async () => {
  const inside = SLOTS.map((name) => `<b slot="${name}">own ${name}</b>`).join('');
  const page = await host('eve', `<belfry-bell src="/v1/acme" auth="token" open>${inside}</belfry-bell>
    <belfry-feed src="/v1/acme" auth="token">${inside}</belfry-feed>`);
  for (const name of ['bell', 'feed'])
    for (const slot of name === 'bell' ? SLOTS : SLOTS.slice(1)) await page.locator(`belfry-${name} [slot=${slot}]`).waitFor();
  for (const text of ['You’re all caught up', 'All notifications', 'Notifications'])
    assert.equal(await page.getByText(text, { exact: true }).filter({ visible: true }).count(), 0, text);
  assert.equal(await page.locator('belfry-bell [part=icon]').isVisible(), false);
  await page.context().close();
});

// custom property, value, where it is seen (in the shadow tree; '': the element), as what, and how it reads there
const SEEN = [
  ['fg', '#010203', '#panel', 'color', 'rgb(1, 2, 3)'],
  ['bg', '#020304', '#panel', 'backgroundColor', 'rgb(2, 3, 4)'],
  ['muted', '#030405', '[part=item-meta]', 'color', 'rgb(3, 4, 5)'],
  ['border', '#040506', '#panel', 'borderTopColor', 'rgb(4, 5, 6)'],
  ['accent', '#050607', '[part=footer] a', 'color', 'rgb(5, 6, 7)'],
  ['unread', '#060708', '[part=badge]', 'backgroundColor', 'rgb(6, 7, 8)'],
  ['critical', '#070809', '.critical', 'color', 'rgb(7, 8, 9)'],
  ['error', '#08090a', '.error', 'color', 'rgb(8, 9, 10)'],
  ['warning', '#090a0b', '.warning', 'color', 'rgb(9, 10, 11)'],
  ['info', '#0a0b0c', '.info', 'color', 'rgb(10, 11, 12)'],
  ['success', '#0b0c0d', '.success', 'color', 'rgb(11, 12, 13)'],
  ['focus', '#0c0d0e', ':focus-visible', 'outlineColor', 'rgb(12, 13, 14)'],
  ['radius', '13px', '#panel', 'borderTopLeftRadius', '13px'],
  ['font', 'monospace', '[part=title]', 'fontFamily', 'monospace'],
  ['size', '17px', '[part=item-link]', 'fontSize', '17px'],
  ['width', '301px', '#panel', 'width', '301px'],
  ['max-height', '203px', '#panel', 'maxHeight', '203px'],
  ['z', '7', '', 'zIndex', '7'],
];
test('each custom property is seen', async () => {
  assert.deepEqual(SEEN.map(([name]) => name), PROPERTIES);
  const style = SEEN.map(([name, value]) => `--belfry-${name}:${value}`).join(';');
  const cover = '<div style="position:fixed;inset:0;z-index:5"></div>';
  await hub.case('dora', 'bad', 'One more');
  const page = await host('dora', `<belfry-bell src="/v1/acme" auth="token" style="${style}"></belfry-bell>${cover}`);
  // above the cover only because of --belfry-z
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).click();
  await page.getByRole('link', { name: 'A worst thing' }).waitFor();
  await page.keyboard.press('Tab');
  const seen = await page.evaluate((all) => all.map(([, , where, as]) => {
    const bell = document.querySelector('belfry-bell');
    return getComputedStyle(where ? bell.shadowRoot.querySelector(where) : bell)[as];
  }), SEEN);
  assert.deepEqual(seen, SEEN.map(([, , , , text]) => text));
  await page.context().close();
});

test('each attribute counts; those that are not tested elsewhere: href, label, target, theme', async () => {
  const more = 'href="/own/inbox" label="News" target="_blank" theme="dark"';
  await hub.case('fay', 'bad', 'Look');
  const page = await host('fay', ['bell', 'feed', 'tile'].map((name) => tag(name, more)).join(''));
  await page.getByRole('link', { name: '1 unread notification' }).waitFor();
  await page.getByRole('button', { name: 'News, 1 unread' }).click();
  await page.getByRole('dialog', { name: 'News' }).getByRole('link', { name: 'Unread Look' }).waitFor();
  for (const name of ['bell', 'feed', 'tile']) {
    const links = await page.locator(`belfry-${name}`).evaluate((one) =>
      [...one.shadowRoot.querySelectorAll('a')].map(({ href, target, rel, part }) => [part.value, href, target, rel]));
    const own = links.filter(([part]) => part !== 'item-link');
    assert.deepEqual(own.map(([, ...rest]) => rest), [[`${hub.url}/own/inbox`, '_blank', 'noopener']]);
    assert.ok(links.every(([, , target, rel]) => target === '_blank' && rel === 'noopener'));
    const scheme = () => page.locator(`belfry-${name}`).evaluate((one) =>
      getComputedStyle(one.shadowRoot.querySelector('.box')).backgroundColor);
    assert.equal(await scheme(), 'rgb(21, 26, 33)', `${name} is dark`);
    await page.evaluate((of) => document.querySelector(of).setAttribute('theme', 'light'), `belfry-${name}`);
    assert.equal(await scheme(), 'rgb(255, 255, 255)', `${name} is light`);
  }
  await page.context().close();
});

test('each event bubbles out of shadow trees, and only belfry-activate can be prevented; each method is there', async () => {
  await hub.case('eve', 'bad', 'For Eve');
  const page = await host('eve', '<div id="around"></div>', {
    prepare: (one) => one.addInitScript((names) => {
      window.traits = {};
      for (const name of names) document.addEventListener(`belfry-${name}`, (event) => {
        window.traits[name] = [event.bubbles, event.composed, event.cancelable, event.target.id];
        event.preventDefault();
      });
    }, EVENTS),
  });
  await page.evaluate(() => {
    const around = document.querySelector('#around');
    const bell = document.createElement('belfry-bell');
    Object.assign(bell, { getToken: window.getToken });
    for (const [name, value] of [['src', '/v1/acme'], ['auth', 'token']]) bell.setAttribute(name, value);
    around.attachShadow({ mode: 'open' }).append(bell);
    bell.open();
    window.bell = bell;
  });
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('link', { name: 'Unread For Eve' }).waitFor();
  const [{ id }] = await hub.inbox('eve');
  await page.evaluate((one) => window.bell.markRead([one]), id);
  await page.evaluate((one) => window.bell.hide([one]), id);
  await dialog.getByRole('link', { name: 'All notifications' }).click();
  await page.evaluate(() => window.bell.close());
  for (const status of [500, 401]) {
    await page.route(`${hub.url}/v1/acme/**`, (route) => route.fulfill({ status, json: {} }));
    await page.evaluate(() => window.bell.refresh());
  }
  await until(async () => (await heard(page, 'close')).length === 1, 'it is closed');
  const traits = await page.evaluate(() => window.traits);
  assert.deepEqual(traits, Object.fromEntries(EVENTS.map((name) => [name, [true, true, name === 'activate', 'around']])));
  assert.equal(new URL(page.url()).pathname, '/app');
  await page.context().close();
});
