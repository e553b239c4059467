// SPDX-License-Identifier: Apache-2.0
// The elements while the page around them does what pages do: attributes that change, people that change, answers that
// fail, tabs that are hidden, elements that a script makes and removes, pages from right to left.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { speaker, texts } from '../../plugins/in-app/assets/elements/words.js';
import { texts as more } from '../../plugins/in-app/assets/elements/listing-words.js';
import { faults, launch, signIn } from '../node/support/browser.mjs';
import { heard, host as embed, stores, tag } from '../node/support/elements.mjs';
import { Hub, baseConfig, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const PEOPLE = 'dora eve fay gil hal ida jan kim leo mia ned oda pia quin rut tom'.split(' ');
const CSS = readFileSync(new URL('../../docs/examples/embed.css', import.meta.url), 'utf8');

let hub, browser;
before(async () => {
  const config = baseConfig();
  for (const name of PEOPLE) config.orgs.acme.users[name] = { name };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const host = (...what) => embed(browser, hub, ...what);
const titles = (page) => page.locator('belfry-feed [part=item-link]').allTextContents();
const set = (page, name, value, of = 'belfry-feed') =>
  page.evaluate(([where, key, to]) => document.querySelector(where).setAttribute(key, to), [of, name, value]);
const call = (page, method, ...args) =>
  page.evaluate(([name, given]) => document.querySelector('belfry-bell,belfry-feed')[name](...given), [method, args]);

const SPEECH = [
  ['fr', undefined, 0, '0 unread notifications', 'en'],
  ['en_US', undefined, 1, '1 unread notification', 'en'],
  ['de_DE', undefined, 2, '2 ungelesene Benachrichtigungen', 'de'],
  ['de-AT', undefined, 1, '1 ungelesene Benachrichtigung', 'de-AT'],
  ['fr', { unread: ['{0} non lu', '{0} non lus'] }, 0, '0 non lu', 'fr'],
  ['?', undefined, 1234, '1,234 unread notifications', 'en'],
];
test('texts: languages that we do not speak, and names that are none', () => {
  for (const [lang, messages, n, text, language] of SPEECH) {
    const spoken = speaker(lang, texts, messages);
    assert.equal(spoken.say('unread', n), text, lang);
    assert.equal(spoken.language, language, lang);
  }
  assert.equal(speaker('en', more).say('by', "$& $' $$"), "Handled by $& $' $$");
});

test('attributes of a feed change while it is there: filter, limit, language, texts', async () => {
  for (const [kind, name] of [['bad', 'One'], ['calm', 'Two'], ['bad', 'Three']]) await hub.case('dora', kind, name);
  const page = await host('dora', tag('feed') + tag('tile'), { html: 'lang="en_US"' });
  await page.getByRole('link', { name: 'Unread Two' }).waitFor();
  for (const one of ['feed', 'tile']) await set(page, 'filter', 'severity=error', `belfry-${one}`);
  await page.getByRole('link', { name: '2 unread notifications' }).waitFor();
  await page.getByRole('link', { name: 'Unread Two' }).waitFor({ state: 'detached' });
  await set(page, 'filter', '');
  await page.getByRole('link', { name: 'Unread Two' }).waitFor();
  await set(page, 'limit', '1');
  await page.getByRole('link', { name: 'Unread Two' }).waitFor({ state: 'detached' });
  await set(page, 'limit', '10');
  await page.getByRole('link', { name: 'Unread One' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Show/ }).count(), 0);
  await set(page, 'lang', 'de');
  await page.getByRole('link', { name: 'Ungelesen One' }).waitFor();
  await page.getByRole('button', { name: 'Ausblenden: One' }).waitFor();
  await page.evaluate(() => { document.querySelector('belfry-feed').messages = { hide: 'Weg damit' }; });
  await page.getByRole('button', { name: 'Weg damit: One' }).waitFor();
  await page.evaluate(() => {
    document.querySelector('belfry-tile').messages = { unread: ['One item', 'You have {0} items'] };
  });
  await page.getByRole('link', { name: 'You have 2 items' }).waitFor();
  assert.equal(await page.locator('belfry-tile [part=count]').textContent(), '2');
  await set(page, 'src', 'http://[', 'belfry-tile');
  await page.locator('belfry-tile').getByText('– Notifications').waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a feed takes no focus from the page that it comes into, nor does a bell', async () => {
  await hub.case('tom', 'bad', 'Quietly');
  const page = await host('tom', `${tag('feed')}${tag('bell')}<input>`);
  await page.getByRole('link', { name: 'Unread Quietly' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'body');
  await page.locator('input').focus();
  await page.evaluate(() => {
    for (const name of ['feed', 'bell']) document.body.append(document.querySelector(`belfry-${name}`).cloneNode());
  });
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'input');
  await page.context().close();
});

test('whoever works with keys never loses the place: buttons that go when they were pressed', async () => {
  await hub.case('tom', 'bad', 'First');
  const page = await host('tom', tag('feed'));
  const at = () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.textContent);
  await page.getByRole('link', { name: 'Unread First' }).waitFor();
  await hub.case('tom', 'bad', 'Second');
  await call(page, 'refresh');
  for (const name of ['Show 1 new', 'Mark all as read', 'Hide: Second', 'Undo']) {
    const button = page.getByRole('button', { name });
    await button.press('Enter');
    await button.waitFor({ state: 'hidden' });
    await until(async () => await at() === 'Notifications', `after ${name} the heading has the focus`);
  }
  await page.route(`${hub.url}/v1/acme/**`, (route) => route.fulfill({ status: 500, json: {} }));
  await call(page, 'refresh');
  await page.getByRole('button', { name: 'Try again' }).press('Enter');
  assert.equal(await at(), 'Notifications');
  await page.context().close();
});

test('language and live change in one turn, beside one that has the numbers; what is removed breaks nothing', async () => {
  await hub.case('rut', 'bad', 'Stays');
  const page = await host('rut', tag('feed') + tag('tile'));
  await page.getByRole('link', { name: 'Unread Stays' }).waitFor();
  await page.evaluate(() => {
    const feed = document.querySelector('belfry-feed');
    feed.setAttribute('lang', 'de');
    feed.setAttribute('live', 'off');
  });
  await page.getByRole('button', { name: 'Alle als gelesen markieren' }).waitFor();
  await page.getByRole('link', { name: 'Ungelesen Stays' }).waitFor();
  await page.evaluate(() => {
    const feed = document.querySelector('belfry-feed');
    feed.remove();
    for (const name of ['src', 'auth', 'lang']) feed.removeAttribute(name);
    return feed.markRead(['nothing']);
  });
  assert.deepEqual((await heard(page, 'error')), []);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('another person in the same element: nothing of the one before is left', async () => {
  await hub.case('eve', 'bad', 'Of Eve');
  await hub.case('eve', 'bad', 'Of Eve too');
  await hub.case('fay', 'bad', 'Of Fay');
  const page = await host('eve', tag('feed') + tag('bell'));
  await page.getByRole('link', { name: 'Unread Of Eve too' }).waitFor();
  await page.evaluate((token) => {
    window.give(token);
    for (const one of document.querySelectorAll('[auth]')) one.getToken = window.getToken;
  }, mint('fay'));
  await page.getByRole('link', { name: 'Unread Of Fay' }).waitFor();
  assert.deepEqual(await titles(page), ['Unread Of Fay']);
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Show/ }).count(), 0);
  assert.deepEqual((await heard(page, 'ready')).map(({ unread }) => unread), [2, 2, 1, 1]);
  await page.context().close();
});

test('somebody else signs in in another tab: the first tab shows nobody else than who is signed in', async () => {
  await hub.case('gil', 'bad', 'Of Gil');
  await hub.case('hal', 'bad', 'Of Hal');
  const asked = (person) => fetch(`${hub.url}/v1/acme/notifications/count`, {
    headers: { authorization: `Bearer ${mint(person)}` },
  });
  const [gil, hal] = await Promise.all(['gil', 'hal'].map(asked));
  assert.deepEqual(await gil.json(), await hal.json(), 'the same revision and the same numbers');
  assert.notEqual(gil.headers.get('etag'), hal.headers.get('etag'));
  const page = await signIn(browser, hub, 'gil');
  await page.route(`${hub.url}/app`, (route) => route.fulfill({
    contentType: 'text/html', body: `<!doctype html><html lang="en"><title>App</title>
      <script type="module" src="/assets/in-app/feed.js"></script>
      <belfry-feed src="/v1/acme" live="sse"></belfry-feed>`,
  }));
  await page.goto(`${hub.url}/app`);
  await page.getByRole('link', { name: 'Unread Of Gil' }).waitFor();
  await page.context().clearCookies();
  const other = await page.context().newPage();
  await other.goto(await hub.loginLink('hal'));
  await page.evaluate(() => document.querySelector('belfry-feed').refresh());
  await page.getByRole('link', { name: 'Unread Of Hal' }).waitFor();
  assert.deepEqual(await titles(page), ['Unread Of Hal']);
  await page.context().close();
});

for (const [status, code] of [[500, 'failing'], [429, 'limited'], [0, 'offline']])
  test(`no answer that helps (${code}): said once, rows stay, and a button tries again`, async () => {
    const name = `While ${code}`;
    await hub.case('ida', 'bad', name);
    const page = await host('ida', tag('feed'));
    await page.getByRole('link', { name: `Unread ${name}` }).waitFor();
    const address = `${hub.url}/v1/acme/notifications**`;
    await page.route(address, (route) => (status ? route.fulfill({ status, json: {} }) : route.abort()));
    await call(page, 'refresh');
    await page.getByRole('alert').getByText('Couldn’t refresh').waitFor();
    assert.deepEqual((await heard(page, 'error')).filter((one) => one.code === code),
      [{ name: 'error', from: 'belfry-feed', status, code, retryable: true }]);
    await page.getByRole('link', { name: `Unread ${name}` }).waitFor();
    await page.unroute(address);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
    await page.context().close();
  });

test('the list alone fails: what is said stays until it is there', async () => {
  await hub.case('jan', 'bad', 'First');
  const page = await host('jan', tag('feed'));
  await page.getByRole('link', { name: 'Unread First' }).waitFor();
  await page.route(`${hub.url}/v1/acme/notifications?**`, (route) => route.fulfill({ status: 500, json: {} }));
  await call(page, 'refresh');
  await page.getByRole('alert').getByText('Couldn’t refresh').waitFor();
  await hub.case('jan', 'bad', 'Second');
  await call(page, 'refresh');
  await until(async () => (await heard(page, 'count')).some(({ unread }) => unread === 2), 'the number is there');
  await page.getByRole('alert').getByText('Couldn’t refresh').waitFor();
  await page.unroute(`${hub.url}/v1/acme/notifications?**`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Show 1 new' }).waitFor();
  assert.equal(await page.getByRole('alert').isVisible(), false);
  await page.context().close();
});

test('an older answer that comes late does not bring back what was hidden', async () => {
  await hub.case('kim', 'bad', 'Stays');
  await hub.case('kim', 'bad', 'Goes');
  const page = await host('kim', tag('feed'));
  await page.getByRole('link', { name: 'Unread Goes' }).waitFor();
  let release;
  const late = new Promise((resolve) => { release = resolve; });
  let first = true;
  await page.route(`${hub.url}/v1/acme/notifications?**`, async (route) => {
    if (!first) return route.continue();
    first = false;
    const response = await route.fetch({ headers: { ...route.request().headers(), 'if-none-match': '' } });
    await late;
    return route.fulfill({ response });
  });
  const [id] = (await hub.inbox('kim')).map((one) => one.id);
  const slow = page.evaluate(() => document.querySelector('belfry-feed').refresh());
  await until(() => !first, 'the first question is under way');
  await call(page, 'hide', [id]);
  await page.getByRole('link', { name: 'Unread Goes' }).waitFor({ state: 'detached' });
  release();
  await slow;
  assert.deepEqual(await titles(page), ['Unread Stays']);
  assert.equal(await page.getByRole('button', { name: /^Show/ }).isVisible(), false, 'nor as a new one');
  await page.context().close();
});

test('addresses that are not the hub\'s own become the inbox; no token in an address or in the log', async () => {
  await hub.case('leo', 'bad', 'Bait');
  const page = await host('leo', tag('feed', 'limit="3"'));
  await page.getByRole('link', { name: 'Unread Bait' }).waitFor();
  const urls = [];
  page.on('request', (request) => urls.push(request.url()));
  const evil = ['javascript:alert(1)', 'https://evil.example/', '//evil.example/n', 'data:text/html,x'];
  const [item] = await hub.inbox('leo');
  await page.route(`${hub.url}/v1/acme/notifications?**`, (route) => route.fulfill({
    json: { rev: 99, total: 4, items: evil.map((href, i) => ({ ...item, id: `x${i}`, href })), facets: {}, next: null },
  }));
  await set(page, 'limit', '5');
  await until(async () => (await titles(page)).length === 4, 'the rows are there');
  const hrefs = await page.locator('belfry-feed li a').evaluateAll((all) => all.map((one) => one.href));
  assert.deepEqual(new Set(hrefs), new Set([`${hub.url}/acme/notifications`]));
  const token = await page.evaluate(() => window.getToken());
  assert.ok(urls.length && urls.every((url) => !url.includes(token)));
  assert.ok(!hub.log.includes(token));
  await page.context().close();
});

test('a bell that a script makes: opened before it is in the page, methods, removed while it asks', async () => {
  await hub.case('mia', 'bad', 'A');
  await hub.case('mia', 'bad', 'B');
  const page = await host('mia', '<p id="there"></p>');
  await page.evaluate(() => {
    const bell = document.createElement('belfry-bell');
    Object.assign(bell, { getToken: window.getToken, messages: { title: 'News' } });
    bell.setAttribute('auth', 'token');
    bell.close();
    bell.open();
    document.querySelector('#there').append(bell);
    bell.setAttribute('src', '/v1/acme');
  });
  const panel = page.getByRole('dialog', { name: 'News' });
  await panel.getByRole('link', { name: 'Unread A' }).waitFor();
  const [b, a] = (await hub.inbox('mia')).map(({ id }) => id);
  await call(page, 'markRead', [a]);
  await call(page, 'hide', [b]);
  await call(page, 'markRead', []);
  await page.getByRole('button', { name: 'News', exact: true }).waitFor();
  assert.deepEqual((await heard(page, 'action')).map(({ action, ids, ok }) => [action, ids, ok]),
    [['read', [a], true], ['hide', [b], true]]);
  await call(page, 'close');
  await panel.waitFor({ state: 'hidden' });
  await until(async () => (await heard(page, 'close')).length, 'belfry-close');
  assert.deepEqual((await heard(page, 'close')).map(({ reason }) => reason), ['api']);
  const before = await page.evaluate(() => window.heard.length);
  let asked;
  await page.route(`${hub.url}/v1/acme/notifications/**`, async (route) => {
    asked = route;
  });
  const refreshed = page.evaluate(() => document.querySelector('belfry-bell').refresh());
  await until(() => asked, 'it asks');
  await page.evaluate(() => document.querySelector('belfry-bell').remove());
  await asked.fulfill({ status: 500, json: {} });
  await refreshed;
  assert.equal(await page.evaluate(() => window.heard.length), before);
  assert.equal(await stores(page), 0);
  assert.deepEqual(page.complaints.filter((text) => !text.includes('500')), []);
  await page.context().close();
});

test('seen: a second in a page that is looked at; one that returns is looked at from the start', async () => {
  await hub.case('ned', 'bad', 'Look');
  const page = await host('ned', tag('feed'), { clock: true });
  const seen = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/notifications/seen')) seen.push(request.postDataJSON().ids);
  });
  await page.getByRole('link', { name: 'Unread Look' }).waitFor();
  // what is in sight has been told to all observers of this page when it was told to a later one
  await page.evaluate(() => new Promise((resolve) => {
    new IntersectionObserver(resolve).observe(document.querySelector('belfry-feed'));
  }));
  const turn = (state) => page.evaluate((to) => {
    Object.defineProperty(document, 'visibilityState', { value: to, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  await turn('hidden');
  await page.clock.runFor(10_000);
  assert.deepEqual(seen, []);
  await turn('visible');
  await until(async () => {
    await page.clock.runFor(500);
    return seen.length;
  }, 'it is seen');
  assert.deepEqual(seen, [(await hub.inbox('ned')).map(({ id }) => id)]);
  await page.context().close();
});

test('said aloud: only growth, at most once a minute, never while the list is open', async () => {
  await hub.case('oda', 'bad', 'One');
  const page = await host('oda', tag('bell', 'max-count="2"'), { clock: true });
  const said = () => page.locator('belfry-bell [role=status]').textContent();
  const grow = async (to) => {
    await hub.case('oda', 'bad', `Number ${to}`);
    await call(page, 'refresh');
    await page.getByRole('button', { name: `Notifications, ${to} unread` }).waitFor();
  };
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  assert.equal(await said(), '');
  await grow(2);
  assert.equal(await said(), '2 unread notifications');
  await grow(3);
  assert.equal(await said(), '2 unread notifications');
  assert.equal(await page.locator('belfry-bell [part=badge]').textContent(), '2+');
  await page.clock.runFor(61_000);
  await call(page, 'open');
  await grow(4);
  assert.equal(await said(), '2 unread notifications');
  await call(page, 'close');
  await grow(5);
  assert.equal(await said(), '5 unread notifications');
  await page.context().close();
});

test('the list stays in the window wherever the bell is and is to open, in both directions', async () => {
  await hub.case('pia', 'bad', 'مضخة 7 متوقفة');
  for (const dir of ['ltr', 'rtl']) {
    const page = await host('pia', tag('bell', 'style="position:fixed"'), {
      html: `lang="en" dir="${dir}"`, options: { viewport: { width: 800, height: 600 } },
    });
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
    for (const placement of ['bottom-end', 'bottom-start', 'top-end', 'top-start'])
      for (const [x, y] of [[0, 0], [756, 0], [0, 556], [756, 556], [400, 300]]) {
        const { panel, bell } = await page.evaluate(async ([to, left, top]) => {
          const one = document.querySelector('belfry-bell');
          const drawn = () => new Promise((resolve) => {
            requestAnimationFrame(() => requestAnimationFrame(resolve));
          });
          one.close();
          await drawn(); // a browser remembers to which side an open one was turned
          one.setAttribute('placement', to);
          Object.assign(one.style, { left: `${left}px`, top: `${top}px` });
          one.open();
          await drawn();
          const box = (of) => of.getBoundingClientRect().toJSON();
          return { panel: box(one.shadowRoot.querySelector('#panel')), bell: box(one) };
        }, [placement, x, y]);
        const what = `${dir} ${placement} at ${x},${y}: ${JSON.stringify(panel)}`;
        assert.ok(panel.left >= 0 && panel.right <= 800 && panel.top >= 0 && panel.bottom <= 600, what);
        if (x === 400 && placement.startsWith('bottom')) assert.ok(panel.top >= bell.bottom, what);
        if (x === 400 && placement.startsWith('top')) assert.ok(panel.bottom <= bell.top, what);
        const startAligned = Math.abs(dir === 'ltr' ? panel.left - bell.left : panel.right - bell.right) <= 1;
        if (x === 400) assert.equal(startAligned, placement.endsWith('start'), what);
      }
    await page.getByRole('link', { name: /مضخة/ }).waitFor();
    const direction = page.locator('belfry-bell bdi').evaluate((title) => getComputedStyle(title).direction);
    assert.equal(await direction, 'rtl', 'a title has its own direction, whatever is said before it');
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/elements-${dir}.png` });
    await page.context().close();
  }
});

test('with the room of docs/examples/embed.css nothing moves; forced colours leave everything readable', async () => {
  for (let i = 0; i < 3; i++) await hub.case('quin', i ? 'worst' : 'odd', `Thing ${i}`);
  const body = `${tag('bell', 'class="here"')}${tag('tile')}${tag('feed')}<p>What follows</p>`;
  const page = await host('quin', body, {
    head: `<style>${CSS}</style><script>window.shift = 0; new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) window.shift += value;
    }).observe({ type: 'layout-shift', buffered: true });</script>`,
    options: { forcedColors: 'active' },
  });
  await page.getByRole('link', { name: 'Unread Thing 2' }).waitFor();
  await page.getByRole('link', { name: '3 unread notifications' }).waitFor();
  const shift = await page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(window.shift)));
  }));
  assert.ok(shift <= 0.02, `layout shift ${shift}`);
  await page.getByRole('button', { name: 'Notifications, 3 unread' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'Unread Thing 2' }).waitFor();
  assert.deepEqual(await faults(page), []);
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/elements-forced.png` });
  await page.context().close();
});
