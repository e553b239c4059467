// SPDX-License-Identifier: Apache-2.0
// Text that is meant to be more than text, in everything of a notification that somebody outside can write: title, body,
// name of an actor, link. On rows that the hub wrote, on rows that the script made, in the bell and on the page of what
// is no longer valid: it is read as it was sent, and nothing else happens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults, launch, open, signIn } from '../node/support/browser.mjs';
import { openInbox, relisted, row, titles } from '../node/support/inbox.mjs';
import { Hub, TOKEN, baseConfig, bearer } from '../node/support/hub.mjs';

// What is written, and how it reads.
const CORPUS = [
  ['<script>window.pwned = 1</script>'],
  ['<img src=x onerror="window.pwned = 1">'],
  ['<svg/onload=window.pwned=1>'],
  ['"><script>window.pwned = 1</script>'],
  ["' onmouseover='window.pwned = 1' x='"],
  ['x onfocus=window.pwned=1 autofocus tabindex=1'],
  ['</a></th></tr></table></form><h1>Sign in again</h1><form action=https://evil.example>'],
  ['</title></textarea></template></script><iframe srcdoc="<script>parent.pwned=1</script>">'],
  ['<!-- <p> --!> <![CDATA[ x ]]>'],
  ['&lt;b&gt; &amp;amp; &#60;script&#62;'],
  ['{{t.inbox.heading}} {{{title}}} {{> row}} ${window.pwned=1}'],
  ['javascript:window.pwned=1'],
  ['\u202Egpj.exe\u202C and \u2066\u2067hidden\u2069', 'gpj.exe and hidden'],
  ['one\u2028two\u2029three\u0007\u001B[31mfour\r\nfive', 'one two three [31mfour five'],
  ['W'.repeat(200)],
  ['ẐÀL̨G̷O̴ ' + 'e\u0301\u0323'.repeat(60)],
];
const NAMES = CORPUS.map(([sent, read = sent]) => read.normalize('NFC'));

let hub, browser, withdrawn;
before(async () => {
  const config = baseConfig();
  config.orgs.acme.users = { carl: {}, ann: {}, bob: {}, dora: {} };
  config.sources.crm.rules = [{
    name: 'hostile', on: 'create', when: { object: 'Case' },
    notify: { to: ['field:for'], title: '{{{fields.name}}}', body: '{{{fields.text}}}', severity: 'error', category: 'news' },
  }];
  config.sources.deals = { plugin: 'approval' };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
  await fill('ann');
  // each is taken away again, so that its link leads to the page that tells of it
  for (const [name] of CORPUS) {
    const id = `lead-${CORPUS.findIndex(([one]) => one === name)}`;
    const record = { object: 'Lead', id, url: '/l', owner: 'dora', created_by: 'carl', fields: { name } };
    await hub.send('record.created', { record });
    await hub.send('record.updated', { record: { object: 'Lead', id, owner: 'bob' }, changed_by: 'carl' });
  }
  withdrawn = await hub.inbox('dora', '?read=all&limit=200');
  assert.equal(withdrawn.length, CORPUS.length);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

async function fill(person) {
  for (const [name] of CORPUS) await hub.case(person, 'any', name, { fields: { for: person, kind: 'any', name, text: name } });
}

// Nothing ran, nothing was fetched from elsewhere, nothing was built that is not ours.
async function harmless(page, where) {
  const found = await page.evaluate(() => {
    const roots = [document, ...[...document.querySelectorAll('belfry-bell')].map((bell) => bell.shadowRoot)];
    const all = (what) => roots.flatMap((root) => [...root.querySelectorAll(what)]);
    return {
      pwned: window.pwned, frames: window.length, headings: all('h1').length,
      scripts: all('script').filter((one) => !one.src.startsWith(location.origin)).length,
      foreign: all('iframe, object, embed, img:not([src^="/assets/"]), base').length,
      handlers: all('*').filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length,
      links: all('a[href], form[action]').map((one) => one.href || one.action).filter((href) => typeof href === 'string')
        .filter((href) => new URL(href).origin !== location.origin),
    };
  });
  assert.deepEqual(found, {
    pwned: undefined, frames: 0, headings: 1, scripts: 0, foreign: 0, handlers: 0, links: [],
  }, where);
  assert.deepEqual(page.complaints, [], where);
}

const plain = (texts) => texts.map((text) => text.normalize('NFC'));

test('rows of the hub and rows of the script read what was sent, and are the same', async () => {
  const page = await signIn(browser, hub, 'ann', { javaScriptEnabled: false });
  assert.deepEqual(plain(await titles(page)), NAMES.toReversed());
  const bodies = await page.locator('.row .text').allTextContents();
  assert.equal(bodies.length, CORPUS.length);
  assert.ok(bodies.includes('<img src=x onerror="window.pwned = 1">'));
  const written = await page.locator('#list tbody').innerHTML();
  await page.context().close();

  const other = await openInbox(browser, hub, 'ann');
  await harmless(other, 'of the hub');
  // every row anew, from its template
  await other.evaluate(() => { for (const one of [...document.querySelectorAll('tbody .row')]) one.remove(); });
  await relisted(other, () => other.locator('#filters button').click());
  assert.deepEqual(plain(await titles(other)), NAMES.toReversed());
  await harmless(other, 'of the script');
  const attributes = (html) => [...html.matchAll(/(?:aria-label|href|value)="?([^">]*)/g)].map(([, value]) => value).sort();
  assert.deepEqual(attributes(await other.locator('#list tbody').innerHTML()), attributes(written));
  assert.deepEqual(await faults(other), []);
  await other.context().close();
});

test('a search for it finds it, and says what was searched for', async () => {
  const page = await openInbox(browser, hub, 'ann', { query: `?q=${encodeURIComponent(CORPUS[0][0])}` });
  assert.deepEqual((await titles(page)).toSorted(), [CORPUS[0][0], CORPUS[3][0]].toSorted());
  assert.ok((await page.locator('#applied').textContent()).includes(CORPUS[0][0]));
  await relisted(page, () => page.locator('#q').fill('"><img src=x onerror=window.pwned=1>'));
  assert.ok((await page.locator('#applied').textContent()).includes('"><img src=x onerror=window.pwned=1>'));
  await row(page, NAMES[1]).waitFor({ state: 'detached' });
  await harmless(page, 'a search');
  await page.context().close();
});

test('the bell reads it', async () => {
  const page = await openInbox(browser, hub, 'ann');
  const bell = page.locator('belfry-bell');
  await bell.getByRole('button').first().click();
  await bell.getByRole('dialog').getByText(CORPUS[0][0]).first().waitFor();
  const links = await bell.locator('[part~=item-link]').allTextContents();
  assert.deepEqual(plain(links), NAMES.toReversed().map((title) => `Unread ${title}`));
  await harmless(page, 'in the bell');
  await page.context().close();
});

test('what is no longer valid reads it, and leads nowhere else', async () => {
  const page = await signIn(browser, hub, 'dora');
  for (const item of withdrawn) {
    const response = await page.goto(hub.url + item.href);
    assert.equal(response.status(), 410);
    assert.ok((await page.locator('h2').first().textContent()).normalize('NFC').length > 3);
    assert.equal(await page.locator('h2').first().textContent(), item.title);
    page.complaints.length = 0; // Chromium reports the status itself
    await harmless(page, item.title);
  }
  await page.context().close();
});

test('a link that is none is refused when it comes', async () => {
  for (const url of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'data:text/html,x', 'vbscript:x',
    '//evil.example/x', '/\\evil.example', 'java\tscript:alert(1)', 'https://a.example\r\nSet-Cookie: x=1']) {
    const response = await fetch(hub.triggers(), {
      method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({
        specversion: '1.0', id: `link-${url}`.replace(/[^ -~]/g, '.'), source: '/tests', type: 'record.created',
        data: { record: { object: 'Lead', id: 'l', owner: 'ann', created_by: 'carl', url, fields: { name: 'x' } } },
      }),
    });
    assert.equal(response.status, 422, JSON.stringify(url));
    assert.equal((await response.json()).errors[0].pointer, '/data/record/url');
  }
});

test('an address of the page is no way in', async () => {
  const page = await open(browser);
  await page.goto(await hub.loginLink('ann'));
  for (const query of ['?q="><script>window.pwned=1</script>', '?severity=<img src=x onerror=window.pwned=1>',
    '?category="><svg onload=window.pwned=1>', "?source='%20onfocus=window.pwned=1%20autofocus%20x='",
    '?done=<b>x</b>&n=1&undo="><script>window.pwned=1</script>',
    '?job=<script>window.pwned=1</script>', '?<script>window.pwned=1</script>=1', '?status=hidden"><b>&read=<i>']) {
    const response = await page.goto(`${hub.url}/acme/notifications${query}`);
    assert.equal(response.status(), 200, query);
    await page.locator('#inbox[data-ready]').waitFor();
    await harmless(page, query);
  }
  const response = await page.goto(`${hub.url}/acme/notifications?before="><script>window.pwned=1</script>`);
  assert.equal(response.status(), 400, 'a place that there is not');
  await page.getByRole('heading', { level: 1 }).waitFor();
  page.complaints.length = 0; // Chromium reports the status itself
  await harmless(page, 'before');
  await page.context().close();
});
