// SPDX-License-Identifier: Apache-2.0
// Mails as a program shows them: read by axe-core in each look, narrow, dark and in forced colours, in both languages,
// with texts that are long or hostile. A mail fetches nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flaws, launch, open } from '../node/support/browser.mjs';
import { Hub, TOKEN, baseConfig, bearer } from '../node/support/hub.mjs';

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungszeremonienmeister'.repeat(3);
const approval = (title) => ({
  approval: { id: '42', title, submitter: 'sam' }, step: { index: 1, of: 2, name: 'Finance' },
});

const MAILS = [
  { name: 'single', type: 'approval.requested' },
  { name: 'single-de', type: 'invoice.disputed', locale: 'de' },
  { name: 'success', type: 'invoice.paid' },
  { name: 'info', type: 'invoice.reminder' },
  { name: 'digest', type: 'approval.requested', kind: 'digest' },
  { name: 'digest-de', type: 'sync.failed', kind: 'digest', locale: 'de' },
  { name: 'catch-up', type: 'sync.blocked', kind: 'catch_up' },
  { name: 'long', type: 'approval.requested', data: approval(LONG) },
  { name: 'hostile', type: 'approval.requested', data: approval('</h1><script>alert(1)</script><img src=x>') },
  { name: 'text-only', type: 'approval.requested', template: { text: 'Dear {{name}},\n{{title}}\n\n{{href}}\n' } },
];

// What BELFRY_PICTURES, a directory, is given of each.
const LOOKS = [
  ['light', 'light', 'none', 800], ['dark', 'dark', 'none', 800],
  ['narrow', 'light', 'none', 320], ['forced', 'light', 'active', 800],
];

let hub, browser;
before(async () => {
  const config = baseConfig();
  Object.assign(config.sources, {
    deals: { plugin: 'approval' }, 'hr-sync': { plugin: 'sync' }, billing: { plugin: 'invoice' },
  });
  config.channels.mail = { plugin: 'email', smtp: 'smtp://127.0.0.1:25', from: 'Acme <notify@acme.example>' };
  [hub, browser] = await Promise.all([Hub.start(config), launch()]);
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

async function show(mail) {
  const { name, ...body } = mail;
  const answer = await fetch(`${hub.url}/v1/acme/templates/preview`, {
    method: 'POST', headers: { ...bearer(TOKEN), 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

for (const mail of MAILS) {
  test(mail.name, async () => {
    const { html, subject, note } = await show(mail);
    const page = await open(browser);
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.setContent(html);
    assert.equal(note, null);
    assert.equal(await page.title(), subject);
    assert.deepEqual(await flaws(page), []);
    assert.deepEqual(page.complaints, []);
    assert.deepEqual(asked, []);
    const links = await page.evaluate(() => [...document.links].map((link) => new URL(link.href).origin));
    assert.ok(links.length > 1 && links.every((origin) => origin === 'http://hub.test'), links.join(' '));
    const width = await page.evaluate(() => document.querySelector('.card').getBoundingClientRect().width);
    assert.ok(width <= 600, `${width} px wide`);
    if (process.env.BELFRY_PICTURES) {
      for (const [look, colorScheme, forcedColors, width] of LOOKS) {
        await page.emulateMedia({ colorScheme, forcedColors });
        await page.setViewportSize({ width, height: 700 });
        await page.screenshot({ path: `${process.env.BELFRY_PICTURES}/mail-${mail.name}-${look}.png`, fullPage: true });
      }
    }
    await page.context().close();
  });
}

// What hides from the eye is there for the list of mails, and is not read twice.
test('a summary stands first and is not seen', async () => {
  const { html } = await show(MAILS[0]);
  const page = await open(browser);
  await page.setContent(html);
  const summary = page.locator('body > div').first();
  assert.match(await summary.textContent(), /Finance/);
  assert.equal(await summary.isVisible(), false);
  await page.context().close();
});
