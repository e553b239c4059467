// SPDX-License-Identifier: Apache-2.0
// The shell and its pages in the reader's language: what is said, how it is written, and that nothing overflows, in both
// themes, at three widths, from right to left, without a mouse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, open, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

let hub, browser;
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

before(async () => {
  const config = baseConfig();
  config.sources['hr-sync'] = { plugin: 'sync' };
  config.sources.deals = { plugin: 'approval' };
  Object.assign(config.orgs.acme.users, {
    greta: { name: 'Greta Groß', roles: ['admin'], locale: 'de-DE', timezone: 'Europe/Berlin' },
    ada: { name: 'Ada Admin', roles: ['admin'] },
    gwen: { name: 'Gwen Ito', locale: 'en-GB', timezone: 'Asia/Tokyo' },
  });
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await hub.send('sync.started', { run: { id: 'r-1', kind: 'recalculation', admin: 'greta' } }, 'hr-sync', { time: ago(4000) });
  await hub.send('sync.finished', { run: { id: 'r-1' }, outcome: 'partial', counts: { '<i>rows</i>': 1234567 },
    log: ['\u202eturned', '\u001b[31mred\u001b[0m', '<script>alert(1)</script>'] }, 'hr-sync', { time: ago(1000) });
  await hub.send('approval.submitted', { approval: { id: '1', title: 'Neuer Drucker', url: 'https://erp.example/1',
    submitter: 'ada', steps: [{ name: 'Einkauf', approvers: ['greta'], needs: 'any' }] } }, 'deals');
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

test('German: the inbox, the list of runs and a run', async () => {
  const page = await signIn(browser, hub, 'greta');
  assert.equal(await page.getAttribute('html', 'lang'), 'de');
  assert.match(await page.locator('main').innerText(), /Zu genehmigen: Neuer Drucker/);
  assert.match(await page.locator('main').innerText(), /Neuberechnung teilweise abgeschlossen/);
  await page.goto(`${hub.url}/acme/runs/hr-sync`);
  assert.deepEqual(await page.locator('thead th').allInnerTexts(), ['Lauf', 'Stand', 'Wann', 'Dauer', 'Gestartet von']);
  assert.match(await page.locator('tbody').innerText(), /Teilweise gelungen\s+\d{2}\.\d{2}\.\d{4}, \d{2}:\d{2}\s+50 min/);
  await page.goto(`${hub.url}/acme/runs/hr-sync/r-1`);
  assert.equal(await page.locator('.counts tbody').innerText(), '<i>rows</i>\t1.234.567');
  assert.equal(await page.locator('.log').innerText(), 'turned\nred\n<script>alert(1)</script>\n');
  assert.equal(await page.locator('main i, main script').count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a row that the script draws has the time that the hub would write, whatever language and zone the browser is in', async () => {
  const page = await signIn(browser, hub, 'gwen', { locale: 'en-US', timezoneId: 'America/New_York' });
  await page.clock.setFixedTime(Date.now() + 30 * 24 * 3_600_000);
  await page.goto(`${hub.url}/acme/notifications`);
  const words = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' };
  await hub.case('gwen', 'bad', 'Another');
  await page.locator('#toolbar').getByRole('button', { name: 'Refresh' }).click();
  await page.getByRole('link', { name: 'Another' }).waitFor();
  const drawn = page.locator('#list tbody tr', { hasText: 'Another' }).locator('time');
  assert.match(await drawn.textContent(), /^\d+ \w+ \d{4}, \d\d:\d\d$/);
  assert.equal(await drawn.textContent(),
    new Intl.DateTimeFormat('en-GB', words).format(new Date(await drawn.getAttribute('datetime'))));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a browser chooses where nobody says otherwise', async () => {
  for (const [locale, heading] of [['de-CH', 'Läufe von hr-sync'], ['fr-FR', 'Runs of hr-sync'], ['en-US', 'Runs of hr-sync']]) {
    const page = await signIn(browser, hub, 'ada', { locale });
    await page.goto(`${hub.url}/acme/runs/hr-sync`);
    assert.equal(await page.locator('h1').innerText(), heading);
    await page.context().close();
  }
});

test('a page that is not there says so in the shell', async () => {
  const page = await open(browser, { locale: 'de-DE' });
  const answer = await page.goto(`${hub.url}/acme/no/such/page`);
  assert.equal(answer.status(), 404);
  assert.equal(await page.locator('h1').innerText(), 'Hier ist nichts');
  assert.equal(await page.getByRole('link', { name: 'Zu Ihren Benachrichtigungen' }).getAttribute('href'), '/acme/notifications');
  assert.equal((await page.goto(`${hub.url}/acme/notifications`)).status(), 401);
  assert.equal(await page.locator('h1').innerText(), 'Sie sind nicht angemeldet');
  await page.context().close();
});

const PAGES = ['/acme/runs', '/acme/runs/hr-sync', '/acme/runs/hr-sync/r-1', '/acme/no/such/page', '/acme/session'];
for (const path of PAGES) {
  test(`${path}: no faults in German, also from right to left`, async () => {
    const page = await signIn(browser, hub, 'greta', { locale: 'de-DE' });
    await page.goto(hub.url + path);
    const found = await flaws(page);
    for (const width of [320, 800, 1280]) {
      await page.setViewportSize({ width, height: 700 });
      for (const dir of ['rtl', 'ltr']) {
        const wide = await page.evaluate((to) => {
          document.documentElement.dir = to;
          return document.scrollingElement.scrollWidth;
        }, dir);
        if (wide > width) found.push(`${width} ${dir}: ${wide} wide`);
      }
    }
    assert.deepEqual(found, []);
    await page.context().close();
  });
}

test('the first stop of the keyboard is the skip link, and it leads past the bar', async () => {
  const page = await signIn(browser, hub, 'greta');
  await page.goto(`${hub.url}/acme/runs/hr-sync`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Zum Inhalt springen');
  const box = await page.locator('.skip').first().boundingBox();
  assert.ok(box.x >= 0 && box.height >= 24, 'seen when it has the focus');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal(await page.locator('nav.main [aria-current=page]').innerText(), 'Läufe');
  await page.context().close();
});

test('what is pressed is at least 24 px high and wide; nothing moves', async () => {
  const page = await signIn(browser, hub, 'greta');
  await page.setViewportSize({ width: 320, height: 700 });
  await page.goto(`${hub.url}/acme/runs/hr-sync`);
  const small = await page.evaluate(() => [...document.querySelectorAll('header a, button, input, select, .button')]
    .filter((e) => e.offsetParent && !e.closest('.skips'))
    .map((e) => [e.textContent.trim(), e.getBoundingClientRect()])
    .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text));
  assert.deepEqual(small, []);
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.context().close();
});

test('wherever Tab leads, the focus is seen', async () => {
  const page = await signIn(browser, hub, 'greta');
  for (const path of ['notifications', 'preferences', 'runs/hr-sync', 'admin/deliveries']) {
    await page.goto(`${hub.url}/acme/${path}`);
    const stops = new Map();
    for (let i = 0; i < 60; i += 1) {
      await page.keyboard.press('Tab');
      const [name, ring] = await page.evaluate(() => {
        let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        return [`${at.tagName} ${at.name || at.textContent.trim()}`, `${outlineStyle} ${outlineWidth}`];
      });
      stops.set(name, ring);
    }
    assert.ok(stops.size > 8);
    assert.deepEqual([...stops].filter(([name, ring]) => !name.startsWith('BODY') && !/^solid [2-9]px$/.test(ring)), [], path);
  }
  await page.context().close();
});

test('on paper there is no bar to press', async () => {
  const page = await signIn(browser, hub, 'greta');
  await page.goto(`${hub.url}/acme/runs/hr-sync/r-1`);
  await page.emulateMedia({ media: 'print' });
  for (const part of ['nav.main', 'belfry-bell']) assert.equal(await page.locator(part).isVisible(), false, part);
  assert.equal(await page.getByRole('button', { name: 'Abmelden' }).count(), 0);
  assert.equal(await page.locator('h1').isVisible(), true);
  await page.goto(`${hub.url}/acme/notifications`);
  assert.ok((await page.locator('#list').boundingBox()).x < 32, 'no room for filters that are not there');
  await page.context().close();
});
