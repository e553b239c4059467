// SPDX-License-Identifier: Apache-2.0
// How the inbox is built and how it holds: what a screen reader is given, sizes of what is pressed, focus that is never
// covered, narrow windows, great text, text with more space, from right to left, nothing that moves by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults, launch, signIn } from '../node/support/browser.mjs';
import { openInbox, relisted, row, scripted } from '../node/support/inbox.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';
import { until } from '../node/support/wait.mjs';

const LONG = 'W'.repeat(200);
let hub, browser, people = 0;
before(async () => {
  const config = baseConfig();
  config.sources.deals = { plugin: 'approval' };
  config.orgs.acme.users.hans = { name: 'Hans Groß', locale: 'de' };
  config.channels.inbox.page_size = 25;
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

// A few of everything: graver ones, one with actions, a title without a space, another script, one that was read.
async function somebody(count = 4, name = `shape-${people += 1}`) {
  for (let i = 1; i <= count; i += 1) await hub.case(name, ['calm', 'fine', 'odd', 'bad', 'worst'][i % 5], `Case ${i}`);
  await hub.case(name, 'calm', LONG);
  await hub.case(name, 'calm', 'הודעה חדשה מאת המערכת');
  await hub.send('approval.submitted', {
    approval: {
      id: `a-${name}`, title: 'Discount for Globex', url: '/a', submitter: 'carl',
      steps: [{ name: 'Sales', approvers: [name], needs: 'any' }],
    },
  }, 'deals');
  return name;
}
const close = (page) => page.context().close();
const wide = (page) => page.evaluate(() => [document.scrollingElement.scrollWidth, document.documentElement.clientWidth]);

// --- what is read out

const snapshot = async (locator) => (await locator.ariaSnapshot())
  .replace(/^ *- \/url: .*\n/gm, '').replace(/(time|cell): ?.*/g, '$1').replace(/ (now|this minute)\b/g, '').replace(/cell "now"/g, 'cell').trim();
const golden = (strings) => strings[0].replace(/^\n/, '').replace(/\s+$/, '').replace(/^ {4}/gm, '');

async function three() {
  const who = `shape-${people += 1}`;
  await hub.case(who, 'bad', 'The import failed');
  await hub.send('approval.submitted', {
    approval: { id: `a-${who}`, title: 'Discount', url: '/a', submitter: 'carl', steps: [{ name: 'S', approvers: [who], needs: 'any' }] },
  }, 'deals');
  const record = { object: 'Lead', id: `l-${who}`, url: '/l', owner: who, created_by: 'carl', fields: { name: 'Acme' } };
  await hub.send('record.created', { record });
  return { who, record };
}

test('read out: the toolbar and the table, on every width the same; a row that is no longer valid says so', async () => {
  const { who, record } = await three();
  const page = await openInbox(browser, hub, who);
  await row(page, 'The import failed').locator('input').check();
  await hub.send('record.updated', { record: { ...record, owner: 'bob' }, changed_by: 'carl' });
  await page.getByText('No longer valid').waitFor();
  for (const width of [1280, 800, 320]) {
    await page.setViewportSize({ width, height: 800 });
    assert.equal(await snapshot(page.getByRole('toolbar')), golden`
    - toolbar "Bulk actions":
      - checkbox "Select all shown" [checked=mixed]
      - text: Select all shown 1 selected
      - button "Mark read"
      - button "Mark unread"
      - button "Hide"
      - button "Mark all 2 as read"
      - button "Hide all 3"
      - button "Refresh"
      - button "Keyboard shortcuts": "?"`, `${width}`);
    assert.equal((await snapshot(page.getByRole('table'))).replaceAll(who, 'somebody'), golden`
    - table "Newest first. Showing all 3.":
      - caption: Newest first. Showing all 3.
      - rowgroup:
        - row "Select Severity Notification Category Source Time Actions":
          - columnheader "Select"
          - columnheader "Severity"
          - columnheader "Notification"
          - columnheader "Category"
          - columnheader "Source"
          - columnheader "Time"
          - columnheader "Actions"
      - rowgroup:
        - 'row "Acme Info Acme Lead assigned to somebody by carl No longer valid Records crm Hide: Acme"':
          - cell "Acme":
            - checkbox "Acme"
          - cell "Info"
          - rowheader "Acme Lead assigned to somebody by carl No longer valid":
            - link "Acme":
            - paragraph: Lead assigned to somebody by carl
            - text: No longer valid
          - cell "Records"
          - cell "crm"
          - cell:
            - time
          - 'cell "Hide: Acme"':
            - 'button "Hide: Acme"': Hide
        - 'row "Approve: Discount Warning Unread Approve: Discount S, step 1 of 1. Submitted by carl. Approvals deals Comment Approve: Approve: Discount Reject: Approve: Discount Hide: Approve: Discount"':
          - 'cell "Approve: Discount"':
            - 'checkbox "Approve: Discount"'
          - cell "Warning"
          - 'rowheader "Unread Approve: Discount S, step 1 of 1. Submitted by carl."':
            - text: Unread
            - 'link "Approve: Discount"':
            - paragraph: S, step 1 of 1. Submitted by carl.
          - cell "Approvals"
          - cell "deals"
          - cell:
            - time
          - 'cell "Comment Approve: Approve: Discount Reject: Approve: Discount Hide: Approve: Discount"':
            - text: Comment
            - 'textbox "Comment: Approve: Discount"'
            - 'button "Approve: Approve: Discount"': Approve
            - 'button "Reject: Approve: Discount"': Reject
            - 'button "Hide: Approve: Discount"': Hide
        - 'row "The import failed Error Unread The import failed Trouble crm Hide: The import failed"':
          - cell "The import failed":
            - checkbox "The import failed" [checked]
          - cell "Error"
          - rowheader "Unread The import failed":
            - text: Unread
            - link "The import failed":
          - cell "Trouble"
          - cell "crm"
          - cell:
            - time
          - 'cell "Hide: The import failed"':
            - 'button "Hide: The import failed"': Hide`, `${width}`);
  }
  await close(page);
});

test('read out: the bell, closed and open', async () => {
  const { who } = await three();
  const page = await openInbox(browser, hub, who);
  const bell = page.locator('belfry-bell');
  await until(async () => (await bell.ariaSnapshot()).includes('3 unread'), 'the bell has its number');
  assert.equal(await snapshot(bell), golden`
    - button "Notifications, 3 unread":
      - img
    - status`);
  await bell.getByRole('button').first().click();
  await bell.getByRole('link', { name: 'The import failed' }).waitFor();
  assert.equal(await snapshot(bell), golden`
    - button "Notifications, 3 unread" [expanded]:
      - img
    - dialog "Notifications":
      - heading "Notifications" [level=2]
      - button "Mark all as read"
      - list:
        - listitem:
          - link "Unread Acme":
          - text: Info Records
          - time
          - 'button "Hide: Acme"': Hide
        - listitem:
          - 'link "Unread Approve: Discount"':
          - text: Warning Approvals
          - time
          - 'button "Approve: Approve: Discount"': Approve
          - 'button "Reject: Approve: Discount"': Reject
          - 'button "Hide: Approve: Discount"': Hide
        - listitem:
          - link "Unread The import failed":
          - text: Error Trouble
          - time
          - 'button "Hide: The import failed"': Hide
      - link "All notifications":
    - status`);
  await close(page);
});

test('read out: the page of what is no longer valid', async () => {
  const { who, record } = await three();
  await hub.send('record.updated', { record: { ...record, owner: 'bob' }, changed_by: 'carl' });
  const gone = (await hub.inbox(who)).find(({ validity }) => validity === 'withdrawn');
  const page = await signIn(browser, hub, who);
  await page.goto(hub.url + gone.href);
  assert.equal((await snapshot(page.locator('main'))).replaceAll(who, 'somebody'), golden`
    - main:
      - article:
        - heading "This information is no longer valid" [level=1]
        - heading "Acme" [level=2]
        - paragraph: It was withdrawn.
        - paragraph: Lead assigned to somebody by carl
        - paragraph:
          - text: crm
          - time
        - link "Back to notifications":
        - button "Hide"`);
  await close(page);
});

// --- sizes and focus

const NARROW = { width: 320, height: 640 }, WIDE = { width: 1280, height: 800 }, ZOOMED = { width: 320, height: 256 };

test('everything that is pressed is at least 24 px high and wide', async () => {
  const who = await somebody();
  const page = await openInbox(browser, hub, who);
  await row(page, 'Case 1').locator('button[value^="hide:"]').click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  await row(page, 'Case 2').locator('input').check();
  for (const size of [WIDE, { width: 800, height: 700 }, NARROW, ZOOMED]) {
    await page.setViewportSize(size);
    const small = await page.evaluate(() => {
      const open = document.querySelector('#more');
      open.open = true;
      return [...document.querySelectorAll('a, button, input, textarea, summary, belfry-bell')]
        .filter((one) => one.checkVisibility() && !one.matches('.skip'))
        .map((one) => {
          // what is pressed is the label around a box, and for a title its cell
          const target = one.closest('#filters label, .all') ?? (one.matches('.title') ? one.closest('th') : one);
          const { width, height } = target.getBoundingClientRect();
          return [one.textContent.trim().slice(0, 30) || one.name || one.id || one.value, Math.round(width * 10) / 10, Math.round(height * 10) / 10];
        })
        .filter(([, width, height]) => width < 24 || height < 24);
    });
    assert.deepEqual(small, [], `${size.width}`);
  }
  await close(page);
});

// Every stop of the keyboard from here on, until it has gone around: what of it is covered by something else.
async function covered(page, key) {
  const found = [];
  const seen = new Set();
  for (let i = 0; i < 400; i += 1) {
    await page.keyboard.press(key);
    const { name, id, hidden } = await page.evaluate(() => {
      window.stops ??= new Map();
      const at = document.activeElement;
      if (!window.stops.has(at)) window.stops.set(at, window.stops.size);
      const rect = [...at.getClientRects()][0];
      const name = at.ariaLabel || at.textContent.trim().slice(0, 40) || at.name || at.tagName;
      if (at === document.body || !rect) return { name, id: window.stops.get(at), hidden: [] };
      const [x, middle] = [rect.left + rect.width / 2, rect.top + rect.height / 2];
      const points = { top: rect.top + 3, middle, bottom: rect.bottom - 3 };
      const hidden = Object.entries(points).filter(([, y]) => {
        const hit = document.elementFromPoint(x, y);
        return !hit || !(at.contains(hit) || hit.contains(at) && !hit.matches('#toolbar, .banner, .own, html, body') || hit.closest('label')?.contains(at));
      }).map(([where]) => where);
      return { name, id: window.stops.get(at), hidden };
    });
    if (seen.has(id)) break;
    seen.add(id);
    if (hidden.length) found.push(`${key} ${name}: ${hidden.join(' ')}`);
  }
  return { found, stops: seen.size };
}

for (const [what, size] of [['wide', WIDE], ['narrow', NARROW]]) {
  test(`what has the focus is in sight, forwards and backwards, ${what}`, async () => {
    const page = await openInbox(browser, hub, await somebody(18));
    await page.setViewportSize(size);
    await row(page, 'Case 5').locator('button[value^="hide:"]').click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await row(page, 'Case 3').locator('input').check();
    await page.evaluate(() => { scrollTo(0, 0); document.activeElement.blur(); });
    for (const key of ['Tab', 'Shift+Tab']) {
      const { found, stops } = await covered(page, key);
      assert.deepEqual(found, []);
      assert.ok(stops > 60, `${stops} stops`);
    }
    await close(page);
  });
}

// --- narrow, great, spaced, mirrored

// Text that is cut off by its own box, where nobody meant it to be.
const cutOff = (page) => page.evaluate(() => [...document.querySelectorAll('main *')]
  .filter((one) => one.checkVisibility() && !one.matches('.vh, .new, .text, thead, thead *, time, textarea'))
  .filter((one) => getComputedStyle(one).overflow !== 'visible' || one.matches('button, .chip, .sev, .banner, label'))
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).display !== 'inline')
  .map((one) => one.textContent.trim().slice(0, 40)));

// Controls that lie over one another
const overlaps = (page) => page.evaluate(() => {
  const boxes = [...document.querySelectorAll('#inbox button, #inbox input, #inbox .foot a, #inbox textarea')]
    .filter((one) => one.checkVisibility() && !one.closest('.own')).map((one) => [one, one.getBoundingClientRect()]);
  const both = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const sticky = (one) => one.closest('#toolbar');
  return boxes.flatMap(([one, a], at) => boxes.slice(at + 1)
    .filter(([other, b]) => !sticky(one) === !sticky(other) && both(a, b))
    .map(([other]) => `${one.value || one.textContent} / ${other.value || other.textContent}`));
});

async function fits(page, where) {
  const [all, seen] = await wide(page);
  assert.ok(all <= seen, `${where}: ${all} of ${seen} px`);
  assert.deepEqual(await cutOff(page), [], where);
  assert.deepEqual(await overlaps(page), [], where);
}

const SPACED = `* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
  p { margin-block-end: 2em !important }`;
const style = (page, css) => page.evaluate((rules) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  document.adoptedStyleSheets = [sheet];
}, css);

for (const who of ['english', 'hans']) {
  test(`nothing has to be scrolled sideways and nothing is cut off: ${who}`, async () => {
    if (who === 'english') people += 1;
    const name = await somebody(4, who === 'hans' ? 'hans' : undefined);
    const page = await openInbox(browser, hub, name, { query: '?read=unread' });
    await row(page, 'Case 2').locator('input').check();
    await page.evaluate(() => { document.querySelector('#more').open = true; });
    for (const size of [WIDE, { width: 900, height: 700 }, { width: 640, height: 400 }, { width: 390, height: 800 }, NARROW, ZOOMED]) {
      await page.setViewportSize(size);
      await fits(page, `${size.width}`);
      await style(page, SPACED);
      await fits(page, `${size.width}, spaced`);
      await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
      await style(page, '');
      await fits(page, `${size.width}, from right to left`);
      await page.evaluate(() => document.documentElement.removeAttribute('dir'));
    }
    await close(page);
  });
}

test('a page that says what is no longer valid holds a title without a space', async () => {
  const record = { object: 'Lead', id: 'l-9', url: '/l', owner: 'dora', created_by: 'carl', fields: { name: LONG } };
  await hub.send('record.created', { record });
  await hub.send('record.updated', { record: { object: 'Lead', id: 'l-9', owner: 'bob' }, changed_by: 'carl' });
  const [gone] = await hub.inbox('dora');
  const page = await signIn(browser, hub, 'dora');
  await page.goto(hub.url + gone.href);
  for (const size of [WIDE, NARROW, ZOOMED]) {
    await page.setViewportSize(size);
    await fits(page, `${size.width}`);
    await style(page, SPACED);
    await fits(page, `${size.width}, spaced`);
  }
  await close(page);
});

test('from right to left the order is the mirror', async () => {
  const page = await openInbox(browser, hub, await somebody());
  const places = () => page.evaluate(() => {
    const side = document.documentElement.dir === 'rtl' ? 'right' : 'left';
    const at = (selector) => Math.round(document.querySelector(selector).getBoundingClientRect()[side]);
    const row = '.row:has(.comment) ';
    return ['#filters', `${row}input`, `${row}th`, `${row}time`].map(at);
  });
  const ltr = await places();
  assert.deepEqual(ltr.toSorted((a, b) => a - b), ltr);
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  const rtl = await places();
  assert.deepEqual(rtl.toSorted((a, b) => b - a), rtl);
  await page.setViewportSize(NARROW);
  const [box, title] = [await row(page, 'Case 1').locator('input').boundingBox(), await row(page, 'Case 1').locator('.title').boundingBox()];
  assert.ok(box.x > title.x);
  assert.deepEqual(await faults(page), []);
  await close(page);
});

// --- what moves

// How far the page has moved by itself since the last time, with what was moved by a press.
async function moved(page) {
  // the frame in which it is counted
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))); }));
  return page.evaluate(() => window.shifts.splice(0));
}
const watchShifts = (page) => page.addInitScript(() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries())
      window.shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
  }).observe({ type: 'layout-shift', buffered: true });
});
const sum = (shifts) => shifts.reduce((all, [value]) => all + value, 0);

for (const [what, size] of [['wide', WIDE], ['narrow', { width: 390, height: 800 }]]) {
  test(`nothing moves by itself: on load, when something new waits, when a row is hidden, ${what}`, async () => {
    const who = await somebody(12);
    const page = await openInbox(browser, hub, who, { prepare: watchShifts, viewport: size });
    await page.setViewportSize(size);
    await page.reload();
    await scripted(page);
    let shifts = await moved(page);
    assert.ok(sum(shifts) <= 0.02, `on load: ${JSON.stringify(shifts)}`);

    await hub.case(who, 'calm', 'New');
    await page.getByRole('button', { name: 'Show 1 new notification' }).waitFor();
    shifts = await moved(page);
    assert.ok(sum(shifts) <= 0.02, `something new: ${JSON.stringify(shifts)}`);
    await relisted(page, () => page.getByRole('button', { name: 'Show 1 new notification' }).click());
    await row(page, 'New').waitFor();
    await moved(page);

    // what is below moves up by the row, and that is all: the button of the next one is under the pointer
    const third = () => page.locator('.row').nth(2);
    await page.evaluate(() => document.querySelectorAll('.row')[2].scrollIntoView({ block: 'center' }));
    const tops = () => page.locator('.row').evaluateAll((rows) =>
      rows.slice(0, 3).map((one) => one.getBoundingClientRect().top));
    const at = await tops();
    const stay = async (where) => (await tops()).forEach((top, i) => assert.ok(Math.abs(top - at[i]) < 1, `${where}: ${i}`));
    await third().locator('button[value^="hide:"]').click();
    await page.getByRole('button', { name: 'Undo' }).waitFor();
    await moved(page);
    await stay('hidden');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await moved(page);
    await stay('dismissed');
    await close(page);
  });
}

test('with less motion nothing is animated, whatever is done', async () => {
  const who = await somebody();
  const page = await openInbox(browser, hub, who, { reducedMotion: 'reduce' });
  const still = async (where) => assert.equal(await page.evaluate(() => document.getAnimations().length), 0, where);
  await still('on load');
  await row(page, 'Case 1').locator('button[value^="hide:"]').click();
  await still('hidden');
  await page.getByRole('button', { name: 'Undo' }).click();
  await still('undone');
  await page.locator('belfry-bell').getByRole('button').first().click();
  await still('the bell');
  await page.keyboard.press('Escape');
  await page.locator('#toolbar').getByRole('button', { name: 'Refresh' }).click();
  await still('refreshed');
  await page.locator('#heading').focus();
  await page.keyboard.press('?');
  await page.locator('dialog[open]').waitFor();
  await still('the keys');
  await close(page);
});
