// SPDX-License-Identifier: Apache-2.0
// The elements on bad days: a hub that fails, refuses, wants peace or says nothing at all; a page whose getToken does;
// sessions that end or become another person's. The person is told, the page hears of it, nothing is asked too often,
// and nothing is left behind.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, signIn } from '../node/support/browser.mjs';
import { heard, host as embed, leading, stores, streaming, tag } from '../node/support/elements.mjs';
import { Hub, baseConfig, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const PEOPLE = 'dora eve fay gil hal ida jan kim leo mia'.split(' ');
const STEP_MS = 10_000;

let hub, browser;
const host = (...what) => embed(browser, hub, ...what);
before(async () => {
  const config = baseConfig();
  for (const name of PEOPLE) config.orgs.acme.users[name] = { name };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await hub.case('dora', 'bad', 'Of Dora');
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

// Time goes on, and whatever is asked meanwhile is answered.
async function pass(page, ms) {
  for (; ms > 0; ms -= STEP_MS) {
    await page.clock.runFor(STEP_MS);
    await page.evaluate(() => fetch('/healthz')); // behind what was asked before
  }
}

// Answers to everything that is asked of the API: as `answer` says, which may be changed. asked: the paths.
async function troubled(page, asked, weather) {
  await page.route(`${hub.url}/v1/acme/**`, (route) => {
    asked.push(new URL(route.request().url()).pathname.replace('/v1/acme/', ''));
    if (weather.status === 200) return route.continue();
    if (!weather.status) return null; // it was accepted, and that is all
    return route.fulfill({ status: weather.status, headers: weather.headers ?? {}, json: { title: 'no' } });
  });
}

const ELEMENTS = ['bell', 'feed', 'tile'];
// status (0: silence), headers, what the page hears, what the list says, how often a number is asked for in ten minutes
const WEATHER = [
  [500, {}, { name: 'error', status: 500, code: 'failing', retryable: true }, 'Couldn’t refresh', [3, 7]],
  [429, { 'retry-after': '3600' }, { name: 'error', status: 429, code: 'limited', retryable: true }, 'Couldn’t refresh', [1, 1]],
  [401, {}, { name: 'auth', status: 401 }, 'You’re signed out', [2, 2]],
  [0, {}, { name: 'error', status: 0, code: 'offline', retryable: true }, 'Couldn’t refresh', [2, 7]],
];
for (const name of ELEMENTS)
  for (const [status, headers, event, text, [least, most]] of WEATHER)
    test(`belfry-${name}, and the hub answers ${status || 'nothing'}: it is told, little is asked, and it recovers`, async () => {
      const asked = [], weather = { status, headers };
      const element = tag(name, name === 'bell' ? 'open' : '');
      const page = await host('dora', element, { clock: true, prepare: (one) => troubled(one, asked, weather) });
      await until(async () => {
        await pass(page, STEP_MS);
        return (await heard(page, event.name)).length;
      }, 'the page hears of it');
      assert.deepEqual((await heard(page, event.name)).filter((one) => one.code === event.code),
        [{ from: `belfry-${name}`, ...event }]);
      if (name === 'tile') assert.equal(await page.locator('belfry-tile [part=tile]').textContent(), '– Notifications');
      else await page.getByRole('alert').getByText(text).waitFor();
      if (name === 'bell') assert.equal(await page.getByRole('button', { name: 'Notifications', exact: true }).count(), 1);
      assert.equal(await page.getByRole('button', { name: /^Show/ }).count(), 0, 'nothing is new');
      await pass(page, 600_000);
      const count = asked.filter((path) => path === 'notifications/count').length;
      const list = asked.filter((path) => path === 'notifications').length;
      assert.ok(count >= least && count <= most, `asked for the number ${count} times`);
      assert.ok(list <= (status === 401 ? 2 : 1), `asked for the list ${list} times`);
      assert.equal(asked.length, count + list);
      // somebody returns to the page, or tries again
      weather.status = 200;
      await page.evaluate(() => document.querySelector('belfry-bell,belfry-feed,belfry-tile').refresh());
      if (name === 'tile') await page.getByRole('link', { name: '1 unread notification' }).waitFor();
      else await page.getByRole('link', { name: 'Unread Of Dora' }).waitFor();
      if (name !== 'tile') assert.equal(await page.getByRole('alert').getByText(text).count(), 0);
      // taken away: nothing is asked any more
      await page.evaluate(() => document.querySelector('belfry-bell,belfry-feed,belfry-tile').remove());
      assert.equal(await stores(page), 0);
      const before = asked.length;
      await pass(page, 300_000);
      assert.equal(asked.length, before);
      await page.context().close();
    });

test('what was never shown is not offered to be marked as read, not to another person either', async () => {
  const page = await host('dora', tag('feed'));
  const button = page.getByRole('button', { name: 'Mark all as read' });
  await button.waitFor();
  await page.route(`${hub.url}/v1/acme/notifications?**`, (route) => route.fulfill({ status: 503, json: {} }));
  await hub.case('eve', 'bad', 'Of Eve');
  await page.evaluate((token) => {
    window.give(token);
    document.querySelector('belfry-feed').getToken = window.getToken;
  }, mint('eve'));
  await page.getByText('Couldn’t refresh').waitFor();
  await until(async () => (await heard(page, 'ready')).length === 2, 'the number is there');
  assert.equal(await button.isVisible(), false);
  await page.unroute(`${hub.url}/v1/acme/notifications?**`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: 'Unread Of Eve' }).waitFor();
  await button.waitFor();
  await page.context().close();
});

test('a number with a filter that does not come is asked for again by itself', async () => {
  const asked = [], weather = { status: 200 };
  const page = await host('dora', tag('tile', 'filter="severity=error"'), {
    clock: true,
    prepare: async (one) => {
      await troubled(one, asked, weather);
      await one.route(`${hub.url}/v1/acme/notifications?**`, (route) =>
        (weather.list ? route.fallback() : route.fulfill({ status: 503, json: {} })));
    },
  });
  await until(() => asked.includes('notifications/count'), 'the number is there');
  await pass(page, 20_000);
  assert.deepEqual(await heard(page, 'ready'), []);
  weather.list = true;
  await until(async () => {
    await pass(page, STEP_MS);
    return (await heard(page, 'ready')).length;
  }, 'it is asked for again');
  await page.getByRole('link', { name: '1 unread notification' }).waitFor();
  await page.context().close();
});

// What getToken does, as the page's script; what is heard; how often it may be called within five minutes, in which the
// number is asked for again, and is refused once more each time.
const GETS = [
  ['rejects', 'async () => { throw new Error("no"); }', { name: 'error', status: 0, code: 'offline' }, 14],
  ['throws', '() => { throw new Error("no"); }', { name: 'error', status: 0, code: 'offline' }, 14],
  ['never settles', '() => new Promise(() => {})', { name: 'error', status: 0, code: 'offline' }, 12],
  ['gives nothing', 'async () => ""', { name: 'auth', status: 401 }, 8],
  ['gives what is no token', 'async () => ({})', { name: 'auth', status: 401 }, 3],
];
for (const [what, script, { name, status, code }, most] of GETS)
  test(`getToken ${what}: the page hears of it; a good one ends it`, async () => {
    await hub.case('fay', 'bad', `When it ${what}`);
    const page = await host('fay', tag('feed') + tag('tile'), {
      clock: true,
      prepare: (one) => one.addInitScript(`
        window.calls = 0;
        const good = window.getToken;
        window.bad = ${script};
        window.getToken = () => { window.calls += 1; return window.bad ? window.bad() : good(); };`),
    });
    await until(async () => {
      await pass(page, STEP_MS);
      return (await heard(page, name)).some((one) => one.from === 'belfry-tile');
    }, 'the page hears of it');
    const [first] = (await heard(page, name)).filter((one) => one.from === 'belfry-tile');
    assert.deepEqual([first.status, first.code], [status, code]);
    await pass(page, 300_000);
    const calls = await page.evaluate(() => window.calls);
    assert.ok(calls >= 2 && calls <= most, `called ${calls} times`);
    await page.evaluate(() => { window.bad = null; });
    await until(async () => {
      await page.evaluate(() => dispatchEvent(new Event('online')));
      await pass(page, STEP_MS);
      return (await heard(page, 'ready')).length === 2;
    }, 'both have their number');
    assert.equal(await page.locator('belfry-tile [part=count]').textContent(), String((await hub.inbox('fay')).length));
    await page.evaluate(() => { for (const one of document.querySelectorAll('[auth]')) one.remove(); });
    assert.equal(await stores(page), 0);
    await page.context().close();
  });

test('a token that has expired is renewed once, however many ask for it at once', async () => {
  await hub.case('gil', 'bad', 'Here');
  const page = await host('gil', tag('feed') + tag('tile') + tag('bell', 'live="sse"'), {
    prepare: (one) => one.addInitScript(([old, fresh]) => {
      window.calls = 0;
      window.getToken = async () => { window.calls += 1; return window.calls === 1 ? old : fresh; };
    }, [mint('gil', { exp: 1 }), mint('gil')]),
  });
  await page.getByRole('link', { name: 'Unread Here' }).waitFor();
  await page.getByRole('link', { name: '1 unread notification' }).waitFor();
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  assert.equal(await page.evaluate(() => window.calls), 2);
  assert.deepEqual(await heard(page, 'auth'), []);
  await page.context().close();
});

// Two tabs of one browser with the hub's session, each with a feed that hears hints.
async function tabs(person) {
  const one = await signIn(browser, hub, person);
  const two = await one.context().newPage();
  const body = '<belfry-feed src="/v1/acme" live="sse"></belfry-feed>';
  for (const page of [one, two]) await host(person, body, { page });
  return [one, two];
}

test('who signs out in one tab is signed out in all', async () => {
  await hub.case('hal', 'bad', 'Of Hal');
  const [one, two] = await tabs('hal');
  for (const page of [one, two]) {
    await page.getByRole('link', { name: 'Unread Of Hal' }).waitFor();
    await until(() => streaming(page), 'hints are heard');
  }
  await one.evaluate(() => fetch('/acme/session/end', { method: 'POST', redirect: 'manual' }));
  for (const page of [one, two]) {
    await page.getByRole('alert').getByText('You’re signed out').waitFor();
    assert.deepEqual((await heard(page, 'auth')).map(({ status }) => status), [401]);
    assert.equal(await streaming(page), false);
  }
  await one.context().close();
});

test('seven tabs over HTTP/1.1: one stream, no answer waits; the leader closes, another takes over', async () => {
  await hub.case('leo', 'bad', 'For all');
  const pages = [await signIn(browser, hub, 'leo')];
  let streams = 0;
  pages[0].context().on('request', (request) => {
    if (request.url().endsWith('/stream') && request.frame().url() === `${hub.url}/app`) streams += 1;
  });
  while (pages.length < 7) pages.push(await pages[0].context().newPage());
  for (const page of pages) await host('leo', '<belfry-bell src="/v1/acme" live="sse"></belfry-bell>', { page });
  const all = (n, of) => Promise.all(of.map((page) =>
    page.getByRole('button', { name: `Notifications, ${n} unread` }).waitFor()));
  await all(1, pages);
  for (const page of pages) await until(() => streaming(page), 'each hears hints');
  assert.equal(streams, 1);
  await Promise.all(pages.map((page) => page.evaluate(() => document.querySelector('belfry-bell').refresh())));
  await hub.case('leo', 'bad', 'By a hint');
  await all(2, pages);
  const leaders = await Promise.all(pages.map(leading));
  assert.equal(leaders.filter(Boolean).length, 1);
  await pages[leaders.indexOf(true)].close();
  const rest = pages.filter((_, at) => !leaders[at]);
  await until(async () => (await Promise.all(rest.map(leading))).filter(Boolean).length === 1, 'another leads');
  await hub.case('leo', 'bad', 'By the next');
  await all(3, rest);
  assert.equal(streams, 2);
  await rest[0].context().close();
});

test('a configuration that closes a category takes its rows out of every open tab, by itself', async () => {
  await hub.case('mia', 'bad', 'Trouble');
  await hub.case('mia', 'calm', 'News');
  const pages = await tabs('mia');
  for (const page of pages) {
    await page.getByRole('link', { name: 'Unread News' }).waitFor();
    await until(() => streaming(page), 'hints are heard');
  }
  await hub.reload((config) => { config.categories.news.visible_to = ['nobody']; });
  try {
    for (const page of pages) {
      await page.getByRole('link', { name: 'Unread News' }).waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Unread Trouble' }).waitFor();
      assert.equal((await heard(page, 'count')).at(-1).unread, 1);
    }
  } finally {
    await hub.reload((config) => { delete config.categories.news.visible_to; });
  }
  for (const page of pages) await page.getByRole('button', { name: 'Show 1 new' }).waitFor();
  await pages[0].context().close();
});

test('another person signs in in another tab: all tabs become theirs, and none shows a number of the other', async () => {
  for (const name of ['Of Ida', 'Of Ida too']) await hub.case('ida', 'bad', name);
  await hub.case('jan', 'bad', 'Of Jan');
  const [one, two] = await tabs('ida');
  for (const page of [one, two]) {
    await page.getByRole('link', { name: 'Unread Of Ida too' }).waitFor();
    await until(() => streaming(page), 'hints are heard');
  }
  const three = await one.context().newPage();
  await three.goto(await hub.loginLink('jan'));
  await three.getByRole('button', { name: 'jan' }).click();
  for (const page of [one, two]) {
    await page.getByRole('link', { name: 'Unread Of Jan' }).waitFor();
    assert.equal(await page.getByText('Of Ida').count(), 0);
    assert.equal((await heard(page, 'count')).at(-1).unread, 1);
  }
  await hub.case('ida', 'bad', 'Later of Ida');
  await hub.case('jan', 'bad', 'Later of Jan');
  for (const page of [one, two]) {
    await page.getByRole('button', { name: 'Show 1 new' }).click();
    await page.getByRole('link', { name: 'Unread Later of Jan' }).waitFor();
    assert.deepEqual((await heard(page, 'count')).map(({ unread }) => unread), [2, 1, 2]);
  }
  await one.context().close();
});

test('two orgs on one page have nothing in common; an element of neither asks nothing', async () => {
  await hub.case('kim', 'bad', 'Of Acme');
  const asked = [];
  const other = '<belfry-tile src="/v1/other" auth="token" id="other"></belfry-tile>';
  const page = await host('kim', `${tag('tile')}${other}<belfry-tile></belfry-tile>`, {
    prepare: (one) => one.route(`${hub.url}/v1/other/**`, (route) => {
      asked.push(route.request().headers().authorization);
      return route.fulfill({ json: { rev: 1000, unread: 42, unseen: 42 }, headers: { etag: '"1000.1.x.y"' } });
    }),
  });
  await page.getByRole('link', { name: '42 unread notifications' }).waitFor();
  await page.getByRole('link', { name: '1 unread notification', exact: true }).waitFor();
  assert.equal(await stores(page), 2);
  assert.equal(await page.locator('#other a').getAttribute('href'), `${hub.url}/other/notifications`);
  await hub.case('kim', 'bad', 'Of Acme too');
  await page.evaluate(() => document.querySelector('belfry-tile').refresh());
  await page.getByRole('link', { name: '2 unread notifications', exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: '42 unread notifications' }).count(), 1);
  assert.equal(asked.length, 1);
  await page.context().close();
});
