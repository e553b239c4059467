// SPDX-License-Identifier: Apache-2.0
// What the inbox with 200 rows weighs, in numbers that do not depend on the machine.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { launch, open, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

const ROWS = 200;
const KINDS = ['calm', 'fine', 'odd', 'bad', 'worst'];
const WORDS = 'invoice shift booking dispute approval record import overview payment discount claim owner review Globex Initech'.split(' ');

let hub, browser;
before(async () => {
  [hub, browser] = await Promise.all([Hub.start(baseConfig()), launch()]);
  for (let i = 0; i < ROWS + 12; i++) {
    const name = Array.from({ length: 4 }, (_, k) => WORDS[(i * 7 + k * (3 + i % 5)) % WORDS.length]).join(' ');
    await hub.case('ann', KINDS[i % 5], `${name} ${i}`);
  }
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

const size = (bytes) => gzipSync(bytes, { level: 6 }).length;

test('the page of 200 rows is as heavy as it may be', async () => {
  const page = await signIn(browser, hub, 'ann', { javaScriptEnabled: false });
  const html = await (await page.goto(`${hub.url}/acme/notifications`)).body();
  assert.equal(await page.locator('.row').count(), ROWS);
  assert.match(await page.locator('caption').innerText(), /^Newest first\. Showing latest 200 of 212\./);
  const nodes = await page.locator('*').count();
  console.log(`html ${html.length} bytes, ${size(html)} gzip; ${nodes} nodes`);
  assert.ok(html.length <= 150 * 1024, `${html.length} bytes of HTML`);
  assert.ok(size(html) <= 15 * 1024, `${size(html)} bytes of HTML, gzip`);
  assert.ok(nodes <= 4000, `${nodes} nodes`);
  await page.context().close();
});

test('the styles weigh at most 8 KB, and a first visit asks for few files', async () => {
  const page = await signIn(browser, hub, 'ann');
  const [cookie] = await page.context().cookies();
  const other = await open(browser);
  await other.context().addCookies([cookie]);
  const asked = [];
  other.on('response', (response) => asked.push(response));
  await other.goto(`${hub.url}/acme/notifications`);
  await other.locator('#inbox[data-ready]').waitFor();
  // the icon is asked for twice, by the shell and as the tab's, and comes once
  const files = [...new Map(asked.map((response) => [response.url(), response])).values()]
    .filter((response) => !response.url().includes('/v1/'));
  const styles = files.filter((response) => response.url().includes('.css'));
  assert.equal(styles.length, 1);
  const bytes = await Promise.all(styles.map(async (response) => size(await response.body())));
  const css = bytes.reduce((a, b) => a + b);
  console.log(`css ${css} gzip; ${files.map((response) => new URL(response.url()).pathname).join(' ')}`);
  assert.ok(css <= 8 * 1024, `${css} bytes of CSS, gzip`);
  // the page, its style, the bell's script, the inbox's, the icon; what reads the stream is in the inbox's
  assert.ok(files.length <= 5, files.map((response) => response.url()).join(' '));
  assert.deepEqual(asked.filter((response) => response.status() >= 400).map((response) => response.url()), []);
  for (const one of [page, other]) await one.context().close();
});

test('the rest of the rows is two steps away, and back', async () => {
  const page = await signIn(browser, hub, 'ann', { javaScriptEnabled: false });
  await page.goto(`${hub.url}/acme/notifications?read=unread`);
  await page.getByRole('link', { name: 'Older', exact: true }).click();
  await page.getByText('Showing 12 older ones of 212 matching').waitFor();
  assert.equal(await page.locator('.row').count(), 12);
  await page.getByRole('link', { name: 'Newest', exact: true }).click();
  await page.getByText('Showing latest 200 of 212 matching').waitFor();
  assert.equal(new URL(page.url()).search, '?read=unread');
  await page.context().close();
});
