// SPDX-License-Identifier: Apache-2.0
// The elements in pages of another application: another origin, a policy of its own, styles that mean no good.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { faults, launch, open, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const STRICT = "require-trusted-types-for 'script'; trusted-types 'none'";
const BUDGETS = { bell: 6 * 1024, feed: 9 * 1024, tile: 6 * 1024, listing: 5 * 1024, live: 2 * 1024 };
const SECRET = 'the host application signs people in with this';

// An application: serves pages, and tokens of people. What is below /v1/ it passes on to the hub, so that it sees when
// a stream is closed.
class Application {
  constructor() {
    this.pages = new Map();
    this.tokens = [];
    this.streams = 0;
    this.mint = (person) => mint(person);
    this.server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url, 'http://app.test');
      if (pathname.startsWith('/v1/')) {
        this.pass(request, response);
        return;
      }
      if (pathname === '/token') {
        this.tokens.push(searchParams.get('for'));
        response.end(this.mint(searchParams.get('for')));
        return;
      }
      const page = this.pages.get(pathname);
      response.writeHead(page ? 200 : 404, {
        'content-type': pathname.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8',
        'content-security-policy':
          `default-src 'none'; script-src 'self' ${this.hub} ${this.inline ? `'sha256-${this.inline}'` : ''}; style-src 'self'; connect-src 'self' ${this.hub}; ${STRICT}`,
      });
      response.end(page ?? '');
    });
  }

  pass(request, response) {
    const { method, headers, url } = request;
    const on = ask(this.hub + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    on.on('error', () => response.destroy());
    if (url.endsWith('/stream')) this.streams += 1;
    response.on('close', () => {
      if (url.endsWith('/stream')) this.streams -= 1;
      on.destroy();
    });
    request.pipe(on);
  }

  async start() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  // A page with this body; what happens to it is kept in window.heard.
  put(path, body, { files = ['bell', 'feed', 'tile'], person = 'ann', head = '', token = true } = {}) {
    const scripts = files.map((name) => `<script type="module" src="${this.hub}/assets/in-app/${name}.js"></script>`);
    this.pages.set(`${path}.js`, `
      window.heard = [];
      for (const name of ['ready', 'count', 'open', 'close', 'activate', 'action', 'auth', 'error'])
        document.addEventListener('belfry-' + name, (event) => {
          window.heard.push({ name, from: event.target.localName, ...event.detail });
          if (window.prevents && name === 'activate') event.preventDefault();
        });
      const getToken = async () => (await fetch('/token?for=${person}')).text();
      if (${token}) for (const one of document.querySelectorAll('belfry-bell,belfry-feed,belfry-tile'))
        one.getToken = getToken;`);
    this.pages.set(path, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>App</title>
      <meta name="color-scheme" content="light dark">${head}<script type="module" src="${path}.js"></script>
      ${scripts.join('')}</head><body><main><h1>App</h1>${body}</main></body></html>`);
    return this.url + path;
  }
}

let hub, browser, app;
before(async () => {
  app = new Application();
  await app.start();
  const config = baseConfig();
  config.hub.allowed_origins = [app.url];
  config.sources.deals = { plugin: 'approval' };
  for (const name of ['dora', 'eve', 'fay', 'gil', 'hal', 'ida', 'jan', 'kim']) config.orgs.acme.users[name] = { name };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  app.hub = hub.url;
});
after(async () => {
  await browser?.close();
  await hub?.stop();
  if (app?.server.listening) await app.stop();
});

const bell = (more = '') => `<belfry-bell src="${hub.url}/v1/acme" ${more}></belfry-bell>`;
const feed = (more = '') => `<belfry-feed src="${hub.url}/v1/acme" ${more}></belfry-feed>`;
const heard = (page, name) => page.evaluate((wanted) => window.heard.filter((one) => !wanted || one.name === wanted), name);
const ready = (page) => page.waitForFunction(() => window.heard?.some(({ name }) => name === 'ready'));

async function visit(url, options) {
  const page = await open(browser, options);
  await page.goto(url);
  return page;
}

test('each element is one file within its weight', async () => {
  for (const [name, most] of Object.entries(BUDGETS)) {
    const text = await (await fetch(`${hub.url}/assets/in-app/${name}.js`)).text();
    assert.doesNotMatch(text, /\bimport\b(?!\(new URL|\.meta)/, `${name}.js needs another file`);
    const size = gzipSync(text, { level: 9 }).length;
    assert.ok(size <= most, `${name}.js has ${size} bytes, at most ${most} are right`);
  }
});

test('what integrity.json says is what is served, and a page may insist on it', async () => {
  const { 'in-app/bell.js': { url, integrity } } = await (await fetch(`${hub.url}/assets/integrity.json`)).json();
  const bytes = Buffer.from(await (await fetch(hub.url + url)).arrayBuffer());
  assert.equal(integrity, `sha256-${createHash('sha256').update(bytes).digest('base64')}`);
  const script = (hash) => `<script type="module" src="${hub.url}${url}" integrity="${hash}" crossorigin></script>`;
  const good = await visit(app.put('/pinned', bell(), { files: [], head: script(integrity) }));
  await ready(good);
  const other = `sha256-${createHash('sha256').update('other').digest('base64')}`;
  const bad = await visit(app.put('/forged', bell(), { files: [], head: script(other) }));
  assert.equal(await bad.evaluate(() => customElements.get('belfry-bell') === undefined), true);
  await good.context().close();
  await bad.context().close();
});

test('a list that does not come is said in the popover, and tried again; one that is pinned is insisted on', async () => {
  const all = await (await fetch(`${hub.url}/assets/integrity.json`)).json();
  const list = `${hub.url}/assets/in-app/listing.js`;
  const map = (hash) => `<script type="importmap">${JSON.stringify({ integrity: { [list]: hash } })}</script>`;
  const page = await visit(app.put('/unloaded', bell('live="off"'), { files: ['bell'] }));
  await page.route(list, (route) => route.abort());
  await page.getByRole('button', { name: 'Notifications' }).click();
  await page.getByRole('alert').getByText('The list did not load').waitFor();
  await page.unroute(list);
  await page.getByRole('button', { name: 'Try again' }).press('Enter');
  await page.getByRole('link', { name: 'All notifications' }).waitFor();
  assert.equal(await page.getByText('The list did not load').isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.id), 'title');
  await page.context().close();
  for (const [path, hash, text] of [
    ['/list-pinned', all['in-app/listing.js'].integrity, 'All notifications'],
    ['/list-forged', all['in-app/bell.js'].integrity, 'The list did not load']]) {
    app.inline = createHash('sha256').update(JSON.stringify({ integrity: { [list]: hash } })).digest('base64');
    const other = await visit(app.put(path, bell('live="off"'), { files: ['bell'], head: map(hash) }));
    await other.getByRole('button', { name: 'Notifications' }).click();
    await other.getByText(text).waitFor();
    await other.context().close();
  }
  app.inline = null;
});

test('a bell of another origin: count, list, read, events in their order, focus', async () => {
  await hub.case('ann', 'bad', 'Pump 7 stands still');
  await hub.case('ann', 'calm', 'Filter changed');
  const page = await visit(app.put('/bell', bell('live="sse"')));
  const button = page.getByRole('button', { name: 'Notifications, 2 unread' });
  await button.waitFor();
  assert.deepEqual((await heard(page)).map(({ name, unread }) => [name, unread]), [['ready', 2], ['count', 2]]);
  await button.click();
  const panel = page.getByRole('dialog', { name: 'Notifications' });
  await panel.getByRole('link', { name: 'Unread Pump 7 stands still' }).waitFor();
  const focus = () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.id ?? document.activeElement.localName);
  assert.equal(await focus(), 'title');
  assert.equal(await page.locator('belfry-bell').getAttribute('open'), '');
  assert.match(await page.locator('belfry-bell').ariaSnapshot(),
    /button "Notifications, 2 unread" \[expanded\][^]*dialog "Notifications":[^]*list:[^]*listitem:[^]*link "Unread/);
  assert.equal((await hub.inbox('ann', '?read=unread')).length, 2, 'opening marks nothing as read');
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  await until(async () => await focus() === 'button', 'the focus is back at the button');
  await page.keyboard.press('Enter');
  await page.evaluate(() => { window.prevents = true; });
  await panel.getByRole('link', { name: 'Unread Pump 7 stands still' }).click();
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  const [activated] = await heard(page, 'activate');
  assert.equal(activated.item.title, 'Pump 7 stands still');
  assert.equal(new URL(activated.href).origin, hub.url);
  assert.equal(page.url(), `${app.url}/bell`, 'the router of the page has it');
  const rest = (await heard(page)).filter(({ name }) => name !== 'count').map(({ name, reason }) => reason ?? name);
  assert.deepEqual(rest, ['ready', 'open', 'escape', 'open', 'activate', 'activate']);
  assert.deepEqual((await hub.inbox('ann', '?read=unread')).map(({ title }) => title), ['Filter changed']);
  // a hint is enough
  await hub.case('ann', 'odd', 'And another');
  await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
  assert.equal(await page.getByRole('status').first().textContent(), '2 unread notifications');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a page that resets everything, two bells, a file loaded twice: one store, one stream', async () => {
  await hub.case('dora', 'worst', '<img src=x onerror=alert(1)>');
  app.pages.set('/hostile.css', '*{all:unset!important}');
  const near = `src="${app.url}/v1/acme" auth="token" live="sse"`;
  const body = `<belfry-bell ${near}></belfry-bell><belfry-bell ${near}></belfry-bell><belfry-feed ${near}></belfry-feed>`;
  const url = app.put('/hostile', body, {
    person: 'dora', files: ['bell', 'feed'],
    head: '<link rel="stylesheet" href="/hostile.css">',
  });
  const page = await visit(url);
  await ready(page);
  await page.locator('belfry-feed').getByText('<img src=x onerror=alert(1)>').waitFor();
  // again, under another address
  await page.evaluate((src) => import(src), `${hub.url}/assets/in-app/bell.js?again`);
  const boxes = await page.locator('belfry-bell').evaluateAll((all) => all.map((one) => {
    const { width, height } = one.getBoundingClientRect();
    return `${width}x${height}`;
  }));
  assert.deepEqual(boxes, ['44x44', '44x44']);
  await page.getByRole('button', { name: /^Notifications, 1 unread/ }).first().click();
  await page.getByRole('dialog').getByRole('link', { name: /Unread/ }).waitFor();
  await until(() => app.streams === 1, 'one stream for all');
  assert.equal(await page.evaluate(() => [...globalThis[Symbol.for('belfry.stores')].values()][0].size), 1);
  // moved: everything stays
  await page.evaluate(() => {
    window.kept = [...globalThis[Symbol.for('belfry.stores')].values()][0].values().next().value;
    document.body.append(document.querySelector('belfry-bell'));
  });
  assert.equal(await page.evaluate(() => [...globalThis[Symbol.for('belfry.stores')].values()][0].values().next().value === window.kept), true);
  // removed: nothing stays
  await page.evaluate(() => { for (const one of document.querySelectorAll('belfry-bell,belfry-feed')) one.remove(); });
  await until(() => app.streams === 0, 'the stream is closed');
  assert.equal(await page.evaluate(() => [...globalThis[Symbol.for('belfry.stores')].values()][0].size), 0);
  assert.deepEqual(page.complaints.filter((text) => !text.includes('/hostile.css')), []);
  await page.context().close();
});

test('a feed: approve from the row, hide with undo, new rows wait', async () => {
  const approval = {
    id: 'e-1', title: 'Discount', url: '/a', submitter: 'carl', steps: [{ name: 'S', approvers: ['eve'], needs: 'any' }],
  };
  await hub.send('approval.submitted', { approval }, 'deals');
  await hub.case('eve', 'calm', 'Read me');
  const page = await visit(app.put('/feed', feed('live="sse"'), { person: 'eve' }), { viewport: { width: 390, height: 800 } });
  const asked = page.getByRole('listitem').filter({ hasText: 'Discount' });
  await asked.waitFor();
  assert.equal(await asked.locator('time').textContent(), 'now', 'as the inbox says it');
  const tops = await asked.getByRole('button').evaluateAll((buttons) => buttons.map((button) => button.offsetTop));
  assert.deepEqual([tops.length, new Set(tops).size], [3, 1], 'what decides stands together, on a phone too');
  await page.getByRole('button', { name: /^Approve: / }).click();
  await page.getByText('Handled by eve').waitFor();
  await page.getByRole('button', { name: 'Hide: Read me' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  await page.getByRole('link', { name: /Read me/ }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: /Read me/ }).waitFor();
  await hub.case('eve', 'odd', 'Late');
  await page.getByRole('button', { name: 'Show 1 new' }).click();
  await page.getByRole('link', { name: 'Unread Late' }).waitFor();
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await until(async () => (await hub.inbox('eve', '?read=unread')).length === 0, 'all are read');
  await until(async () => (await heard(page, 'action')).length === 4, 'the page heard of all');
  assert.deepEqual((await heard(page, 'action')).map(({ action, ok }) => [action, ok]),
    [['approve', true], ['hide', true], ['undo', true], ['read', true]]);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a token that is refused is renewed once; then the page hears of it and nothing is asked any more', async () => {
  const before = app.tokens.length;
  app.mint = (person) => mint(person, { exp: 1 });
  const page = await visit(app.put('/expired', bell(), { person: 'fay' }));
  await until(async () => (await heard(page, 'auth')).length, 'belfry-auth');
  app.mint = (person) => mint(person);
  assert.deepEqual(await heard(page, 'auth'), [{ name: 'auth', from: 'belfry-bell', status: 401 }]);
  assert.deepEqual(app.tokens.slice(before), ['fay', 'fay']);
  await page.context().close();
});

test('a tile says how many; with a filter how many of those; in German; messages of the page', async () => {
  for (let i = 0; i < 7; i++) await hub.case('gil', i < 2 ? 'bad' : 'calm', `Thing ${i}`);
  const tile = (more) => `<belfry-tile src="${hub.url}/v1/acme" ${more}></belfry-tile>`;
  const page = await visit(app.put('/tile', tile('') + tile('filter="severity=error" lang="de"'), { person: 'gil' }));
  await page.getByRole('link', { name: '7 unread notifications' }).waitFor();
  const link = page.getByRole('link', { name: '2 ungelesene Benachrichtigungen' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), `${hub.url}/acme/notifications`);
  await page.evaluate(() => { document.querySelector('belfry-tile').messages = { unread: ['{0} thing', '{0} things'] }; });
  await page.getByRole('link', { name: '7 things' }).waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a cookie of the same site may read from an allowed origin, and write from none', async () => {
  await hub.case('hal', 'bad', 'By cookie');
  const page = await signIn(browser, hub, 'hal');
  await page.goto(app.put('/cookie', feed('auth="cookie"'), { person: 'hal', token: false }));
  await page.getByRole('link', { name: /By cookie/ }).waitFor();
  assert.equal(await page.getByRole('button', { name: /Hide/ }).count(), 0);
  const status = await page.evaluate(async (base) => (await fetch(`${base}/notifications/bulk`, {
    method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' },
    body: '{"action":"read","filter":{}}',
  })).status, `${hub.url}/v1/acme`);
  assert.equal(status, 403);
  await page.context().close();
});

test('nothing moves, and axe finds nothing, light and dark', async () => {
  for (const kind of ['calm', 'fine', 'odd', 'bad', 'worst']) await hub.case('ida', kind, `A ${kind} thing`);
  const url = app.put('/axe', `${bell()}${feed('limit="3"')}<belfry-tile src="${hub.url}/v1/acme"></belfry-tile>`, { person: 'ida' });
  for (const colorScheme of ['light', 'dark']) {
    const page = await visit(url, { colorScheme, viewport: { width: 400, height: 900 } });
    await page.getByRole('button', { name: 'Notifications, 5 unread' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Unread A worst thing' }).waitFor();
    assert.deepEqual(await faults(page), []);
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/elements-${colorScheme}.png` });
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});

test('the bell of the hub\'s own pages does not move them', async () => {
  await hub.case('jan', 'bad', 'Here');
  const page = await signIn(browser, hub, 'jan');
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
  const shift = await page.evaluate(() => new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { sum += value; }))
      .observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
  }));
  assert.ok(shift <= 0.02, `layout shift ${shift}`);
  await page.getByRole('button', { name: 'Notifications, 1 unread' }).click();
  await page.getByRole('dialog', { name: 'Notifications' }).getByRole('link', { name: /Here/ }).waitFor();
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/shell-bell.png` });
  assert.deepEqual(await faults(page), []);
  await page.context().close();
  const plain = await signIn(browser, hub, 'jan', { javaScriptEnabled: false });
  assert.equal(await plain.locator('belfry-bell a').getAttribute('href'), '/acme/notifications');
  await plain.context().close();
});

test('the page of docs/embed.md that needs no server works when copied', async () => {
  await hub.case('ann', 'odd', 'By the cookie');
  for (const [name, file] of [['/mine', 'embed-cookie.html'], ['/embed.css', 'embed.css']]) {
    const text = readFileSync(new URL(`../../docs/examples/${file}`, import.meta.url), 'utf8');
    app.pages.set(name, text.replaceAll('http://127.0.0.1:8420', hub.url));
  }
  const page = await signIn(browser, hub, 'ann');
  await page.goto(`${app.url}/mine`);
  await page.getByRole('button', { name: /^Notifications, [0-9]+ unread/ }).click();
  await page.getByRole('dialog', { name: 'Notifications' }).getByRole('link', { name: 'Unread By the cookie' }).waitFor();
  await page.getByRole('link', { name: /unread notification/ }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Hide/ }).count(), 0, 'it can only read');
  await page.context().close();
});

test('the page of docs/embed.md works when copied', async (t) => {
  await hub.case('ann', 'fine', 'It works');
  const env = { ...process.env, BELFRY_URL: hub.url, BELFRY_JWT_SECRET: SECRET, PORT: new URL(app.url).port };
  const file = fileURLToPath(new URL('../../docs/examples/embed-server.mjs', import.meta.url));
  await app.stop(); // the origin that is allowed
  const server = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill());
  await once(server.stdout, 'data');
  const page = await visit(app.url);
  await page.getByRole('button', { name: /^Notifications, [0-9]+ unread/ }).click();
  await page.getByRole('dialog', { name: 'Notifications' }).getByRole('link', { name: 'Unread It works' }).waitFor();
  await page.getByRole('link', { name: /unread notification/ }).waitFor();
  assert.deepEqual(page.complaints.filter((text) => !text.includes('favicon') && !text.includes('404')), []);
  await page.context().close();
});
