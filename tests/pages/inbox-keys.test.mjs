// SPDX-License-Identifier: Apache-2.0
// The inbox by keyboard alone: what each key means where (WCAG 2.1.4), and whole journeys with the place of the focus
// after each step.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KEYS, meaning } from '../../plugins/in-app/assets/keys.js';
import { faults, launch } from '../node/support/browser.mjs';
import { focus, openInbox, relisted, row, said, selected, titles } from '../node/support/inbox.mjs';
import { Hub, baseConfig, bearer, mint } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

// --- what a key means, without a browser

const IN_TABLE = { table: true, field: false, native: false, shortcuts: true };
const ELSEWHERE = { ...IN_TABLE, table: false };
const strokes = (key) => (key === ' ' ? [key] : key.split(' '));
const event = (key, more = {}) => ({ key, shiftKey: /^\p{Lu}$/u.test(key), ...more });

// What the last of these strokes means after the ones before it.
function meant(keys, at, more) {
  let prefix = null, got;
  for (const key of strokes(keys)) {
    got = meaning(event(key, more), prefix, at);
    prefix = got?.prefix ?? null;
  }
  return got?.command ?? null;
}

for (const { keys, where, command } of KEYS)
  for (const key of keys)
    test(`${key} is ${command}: of the ${where}, and only there`, () => {
      assert.equal(meant(key, IN_TABLE), command);
      assert.equal(meant(key, ELSEWHERE), where === 'page' ? command : null);
      assert.equal(meant(key, { ...IN_TABLE, shortcuts: false }), where === 'page' ? null : command);
      assert.equal(meant(key, { ...ELSEWHERE, shortcuts: false }), null);
      assert.equal(meant(key, { ...IN_TABLE, field: true }), null, 'in a field it is a letter');
      for (const modifier of ['ctrlKey', 'altKey', 'metaKey', 'isComposing', 'defaultPrevented'])
        assert.equal(meant(key, IN_TABLE, { [modifier]: true }), null, modifier);
      assert.equal(meant(key, IN_TABLE, { keyCode: 229 }), null, 'an input method has it');
    });

test('the map is that of the survey, and no key has two meanings', () => {
  const all = KEYS.flatMap(({ keys }) => keys);
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual(all.toSorted(), ['j', 'ArrowDown', 'k', 'ArrowUp', 'Home', 'End', 'o', 'Enter', 'O', 'x', 'X', 'e', 'I',
    'U', '* a', '* n', 'z', '/', '?', 'r', 'g n'].toSorted());
});

const MEANINGS = [
  ['Enter on a link or a button is the browser\'s', event('Enter'), null, { ...IN_TABLE, native: true }, null],
  ['Caps Lock changes nothing', { key: 'J', shiftKey: false }, null, IN_TABLE, { command: 'next' }],
  ['Caps Lock and Shift are Shift', { key: 'i', shiftKey: true }, null, IN_TABLE, { command: 'read' }],
  ['i without Shift is nothing', event('i'), null, IN_TABLE, null],
  ['a prefix waits for the next key', event('g'), null, ELSEWHERE, { prefix: 'g' }],
  ['a prefix whose keys are off is none', event('g'), null, { ...ELSEWHERE, shortcuts: false }, null],
  ['a prefix of the table is none elsewhere', event('*'), null, ELSEWHERE, null],
  ['the second key without the first', event('n'), null, IN_TABLE, null],
  ['the second key after another first', event('n'), 'x', IN_TABLE, null],
  ['a key after a prefix does not do what it does alone', event('e'), 'g', IN_TABLE, null],
  ['a prefix may be begun anew', event('g'), 'g', IN_TABLE, { prefix: 'g' }],
  ['Escape is heard with the keys of the page off', event('Escape'), null, { ...ELSEWHERE, shortcuts: false }, { command: 'escape' }],
  ['Escape in a field is the field\'s', event('Escape'), null, { ...IN_TABLE, field: true }, null],
  ['a key that is held moves on', event('j', { repeat: true }), null, IN_TABLE, { command: 'next' }],
  ['a key that is held hides one row, not all', event('e', { repeat: true }), null, IN_TABLE, null],
  ['a key that is held opens one tab, not twenty', event('O', { repeat: true }), null, IN_TABLE, null],
  ['a letter that means nothing', event('q'), null, IN_TABLE, null],
];
for (const [what, press, prefix, at, wanted] of MEANINGS)
  test(`keys: ${what}`, () => assert.deepEqual(meaning(press, prefix, at), wanted));

// --- in a browser

let hub, browser, people = 0;
before(async () => {
  const config = baseConfig();
  config.sources.deals = { plugin: 'approval' };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

async function somebody(count, kind = () => 'calm') {
  const name = `keys-${people += 1}`;
  for (let i = 1; i <= count; i += 1) await hub.case(name, kind(i), `Case ${i}`);
  return name;
}
const cases = (...numbers) => numbers.map((n) => `Case ${n}`);
const unreadOf = async (who) => (await hub.get('/v1/acme/notifications/count', bearer(mint(who)))).unread;
async function close(page) {
  assert.deepEqual(page.complaints, []);
  await page.context().close();
}
// Presses keys one after the other; where the focus is then.
async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.press(key);
  return focus(page);
}
// Into the table, as a reader gets there: by the skip link.
async function enter(page) {
  await page.locator('.skips').getByRole('link', { name: 'Skip to notifications' }).focus();
  await page.keyboard.press('Enter');
  for (let i = 0; i < 10 && !/ \/ 2$/.test(await focus(page)); i += 1) await page.keyboard.press('Tab');
}

test('ten rows are triaged by keyboard: read, hidden, selected, hidden together, undone', async () => {
  const who = await somebody(10);
  const page = await openInbox(browser, hub, who);
  await enter(page);
  assert.equal(await focus(page), 'Case 10 / 2');
  assert.equal(await press(page, 'j', 'j', 'k'), 'Case 9 / 2');
  assert.equal(await press(page, 'End'), 'Case 1 / 2');
  assert.equal(await press(page, 'j'), 'Case 1 / 2', 'there is no further');
  assert.equal(await press(page, 'Home', 'k'), 'Case 10 / 2');
  assert.equal(await press(page, 'ArrowDown', 'ArrowUp'), 'Case 10 / 2');

  await relisted(page, () => press(page, 'Shift+I'));
  assert.equal(await focus(page), 'Case 10 / 2');
  assert.deepEqual(await said(page), [['status', '1 notification marked as read.']]);
  assert.equal(await unreadOf(who), 9);
  await relisted(page, () => press(page, 'Shift+U'));
  assert.deepEqual(await said(page), [['status', '1 notification marked as unread.']]);
  await relisted(page, () => press(page, 'e'));
  assert.equal(await focus(page), 'Case 9 / 2');
  await said(page);

  assert.equal(await press(page, 'x', 'j', 'j', 'Shift+X'), 'Case 7 / 2');
  assert.deepEqual(await selected(page), cases(9, 8, 7));
  assert.deepEqual(await said(page), [['status', '1 selected'], ['status', '3 selected']]);
  await relisted(page, () => press(page, 'e'));
  assert.equal(await focus(page), 'Case 6 / 2');
  assert.deepEqual(await titles(page), cases(6, 5, 4, 3, 2, 1));
  await page.keyboard.press('End');
  await relisted(page, () => press(page, 'e'));
  assert.equal(await focus(page), 'Case 2 / 2', 'after the last row the one before');
  await relisted(page, () => press(page, 'z'));
  assert.deepEqual(await titles(page), cases(6, 5, 4, 3, 2, 1));
  assert.equal(await focus(page), 'Case 2 / 2');
  await close(page);
});

test('a skip link leads into the list and asks for nothing; the next Tab goes on from there', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.locator('.skips').getByRole('link', { name: 'Skip to notifications' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/#list$/);
  assert.equal(await press(page, 'Tab'), 'Case 2 / 0');
  await page.goBack();
  await page.waitForURL(/notifications$/);
  assert.deepEqual(asked.filter((url) => /notifications(\?|$)/.test(url)), []);
  assert.deepEqual(await said(page), []);
  await close(page);
});

test('the column stays: from checkbox to checkbox, from Hide to Hide', async () => {
  const page = await openInbox(browser, hub, await somebody(3));
  await row(page, 'Case 3').locator('input').focus();
  assert.equal(await press(page, 'j'), 'Case 2 / 0');
  assert.equal(await press(page, 'ArrowDown'), 'Case 1 / 0');
  await row(page, 'Case 1').getByRole('button', { name: 'Hide' }).focus();
  assert.equal(await press(page, 'k'), 'Case 2 / 6');
  await close(page);
});

test('* a and * n select and unselect all shown; Escape too; each is told', async () => {
  const page = await openInbox(browser, hub, await somebody(3));
  await row(page, 'Case 2').locator('.title').focus();
  await press(page, '*', 'a');
  assert.equal((await selected(page)).length, 3);
  await press(page, '*', 'n');
  assert.deepEqual(await selected(page), []);
  await press(page, '*', 'a', 'Escape');
  assert.deepEqual(await selected(page), []);
  assert.deepEqual((await said(page)).map(([, text]) => text), ['3 selected', '0 selected', '3 selected', '0 selected']);
  assert.equal(await focus(page), 'Case 2 / 2');
  await close(page);
});

test('a filter by keyboard: / leads to the search, Tab and Space to a choice, g n back to all', async () => {
  const page = await openInbox(browser, hub, await somebody(4, (i) => (i % 2 ? 'bad' : 'calm')));
  assert.equal(await press(page, '/'), 'q');
  await relisted(page, () => page.keyboard.type('case 3'));
  assert.deepEqual(await titles(page), cases(3));
  assert.equal(await focus(page), 'q', 'who types goes on typing');
  await relisted(page, () => page.keyboard.press('Enter'));
  assert.equal(await focus(page), 'heading');
  assert.equal(new URL(page.url()).search, '?q=case+3');
  const loaded = page.waitForEvent('load');
  for (const key of ['g', 'n']) await page.keyboard.press(key);
  await loaded;
  assert.equal(new URL(page.url()).search, '');
  await page.locator('#inbox[data-ready]').waitFor();
  assert.equal((await titles(page)).length, 4);
  assert.equal(await press(page, 'g', 'n'), 'heading');
  await close(page);
});

test('? shows the keys, and gives the focus back; nothing behind it hears a key', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  await row(page, 'Case 2').locator('.title').focus();
  await press(page, 'x', '?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await dialog.waitFor();
  assert.equal(await dialog.locator('dd').count(), KEYS.length);
  assert.deepEqual(await faults(page), []);
  await press(page, 'e', 'z', 'j');
  assert.deepEqual(await titles(page), cases(2, 1));
  assert.equal(await press(page, 'Escape'), 'Case 2 / 2');
  assert.equal(await dialog.count(), 0);
  assert.deepEqual(await selected(page), cases(2), 'one Escape closes one thing');
  await press(page, 'Escape');
  assert.deepEqual(await selected(page), []);
  await close(page);
});

test('Escape closes the bell first, then ends the selection', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  await row(page, 'Case 2').locator('input').check();
  await page.locator('belfry-bell').evaluate((bell) => bell.open());
  await page.locator('belfry-bell[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('belfry-bell:not([open])').waitFor({ state: 'attached' });
  assert.deepEqual(await selected(page), cases(2));
  await page.keyboard.press('Escape');
  assert.deepEqual(await selected(page), []);
  await close(page);
});

test('single keys are dead in fields, with modifiers and, those of rows, outside of the table', async () => {
  const who = await somebody(2);
  await hub.send('approval.submitted', { approval: { id: who, title: 'Deal', url: 'https://crm.example/d',
    submitter: 'carl', steps: [{ name: 'Boss', approvers: [who], needs: 'any' }] } }, 'deals');
  const page = await openInbox(browser, hub, who);
  const deal = page.locator('.row').first();
  const comment = deal.locator('textarea');
  if (await comment.count()) {
    await comment.focus();
    await page.keyboard.type('exIUzr/?gn*a');
    assert.equal(await comment.inputValue(), 'exIUzr/?gn*a');
  }
  await page.locator('#q').focus();
  await page.keyboard.type('e');
  assert.equal(await page.locator('#q').inputValue(), 'e');
  await page.locator('#q').fill('');
  await row(page, 'Case 2').locator('.title').focus();
  await press(page, 'Control+e', 'Alt+e', 'Control+x', 'Alt+Shift+I');
  await page.locator('#heading').focus();
  await press(page, 'e', 'x', 'Shift+I', 'Shift+U', 'o', '*', 'a', 'j');
  await page.getByRole('button', { name: 'Mark all' }).focus();
  await press(page, 'e', 'x', 'Shift+I');
  assert.equal((await hub.inbox(who)).length, 3);
  assert.equal(await unreadOf(who), 3);
  assert.deepEqual(await selected(page), []);
  assert.match(page.url(), /\/acme\/notifications$/);
  await close(page);
});

test('the keys of the page can be switched off; those of the table stay', async () => {
  const who = await somebody(3);
  const own = bearer(mint(who));
  const preferences = await fetch(`${hub.url}/v1/acme/preferences`, { headers: own });
  const { email, default: standard, ...known } = await preferences.json();
  const saved = await fetch(`${hub.url}/v1/acme/preferences`, {
    method: 'PUT', headers: { ...own, 'content-type': 'application/json', 'if-match': preferences.headers.get('etag') },
    body: JSON.stringify({ ...known, email, shortcuts: false }),
  });
  assert.equal(saved.status, 200, await saved.text());
  const page = await openInbox(browser, hub, who);
  await page.locator('#heading').focus();
  assert.equal(await press(page, '/', '?', 'r', 'g', 'n'), 'heading');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await row(page, 'Case 3').locator('.title').focus();
  await relisted(page, () => press(page, 'e'));
  await said(page);
  await press(page, 'z');
  assert.equal(await press(page, 'j'), 'Case 1 / 2');
  assert.deepEqual(await titles(page), cases(2, 1));
  assert.deepEqual(await said(page), []);
  await close(page);
});

test('o opens the row, Shift+o in a tab of its own; both read it', async () => {
  const who = await somebody(2);
  const page = await openInbox(browser, hub, who);
  await row(page, 'Case 2').locator('.title').focus();
  const other = page.context().waitForEvent('page');
  await press(page, 'Shift+O');
  await other;
  await until(async () => await unreadOf(who) === 1, 'the row is read');
  assert.equal(await focus(page), 'Case 2 / 2');
  assert.equal(await press(page, 'j'), 'Case 1 / 2');
  const led = page.waitForRequest('https://crm.example/**');
  await page.keyboard.press('o');
  await led;
  await until(async () => await unreadOf(who) === 0, 'the row is read');
  await page.context().close();
});

test('among hidden ones e brings back', async () => {
  const who = await somebody(2);
  const page = await openInbox(browser, hub, who);
  await row(page, 'Case 2').locator('.title').focus();
  await relisted(page, () => press(page, 'e'));
  await relisted(page, () => page.getByLabel('Hidden', { exact: true }).check());
  await row(page, 'Case 2').locator('.title').focus();
  await relisted(page, () => press(page, 'e'));
  assert.equal(await focus(page), 'heading');
  assert.equal((await hub.inbox(who)).length, 2);
  await close(page);
});

test('the toolbar is one stop: arrows, Home and End go along it, the other way round from right to left', async () => {
  const page = await openInbox(browser, hub, await somebody(2));
  const stops = () => page.locator('#toolbar').evaluate((bar) =>
    [...bar.querySelectorAll('button, input')].filter((one) => one.checkVisibility() && one.tabIndex === 0).length);
  assert.equal(await stops(), 1);
  await page.locator('#select-all').focus();
  assert.equal(await press(page, 'ArrowRight'), 'read-selected');
  assert.equal(await press(page, 'End'), 'shortcuts');
  assert.equal(await press(page, 'ArrowRight'), 'select-all');
  assert.equal(await press(page, 'ArrowLeft', 'Home'), 'select-all');
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  assert.equal(await press(page, 'ArrowLeft'), 'read-selected');
  assert.equal(await stops(), 1);
  await close(page);
});
