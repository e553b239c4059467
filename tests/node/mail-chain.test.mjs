// SPDX-License-Identifier: Apache-2.0
// What the hub mails is read by mailparser as it was meant: names, subject, both texts, threads, the list's headers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { Hub, baseConfig } from './support/hub.mjs';
import { Mailbox } from './support/mailbox.mjs';

const TITLE = 'Größe über 7 €: „Äußerst“ 🚢 日本語 <b>&amp;</b> ' + 'und so weiter '.repeat(8).trim();
const NAME = 'Jörg "Schiff" O\'Größe, 🚢 (Kai; 7)';

let hub, mailbox, raw, mail;
before(async () => {
  mailbox = await Mailbox.start();
  const config = baseConfig();
  config.hub.public_url = 'https://hub.example';
  config.orgs.acme.users.ann = { name: NAME, email: 'ann@größe.example', locale: 'de' };
  config.channels.mail = {
    plugin: 'email', smtp: mailbox.url(), from: 'Ämter & Co. <notify@acme.example>', bounce_domain: 'bounce.acme.example',
  };
  config.rules.push({ name: 'mail', when: {}, deliver: [{ via: 'mail', after: '0s' }] });
  hub = await Hub.start(config);
  await hub.case('ann', 'bad', TITLE);
  raw = Buffer.from(await mailbox.wait(1), 'latin1');
  mail = await simpleParser(raw);
});
after(async () => {
  await hub?.stop();
  mailbox?.close();
});

test('names, addresses and the subject are read as they were written', () => {
  assert.equal(mail.subject, TITLE);
  assert.deepEqual(mail.from.value, [{ name: 'Ämter & Co.', address: 'notify@acme.example' }]);
  assert.equal(mail.to.value.length, 1);
  assert.equal(mail.to.value[0].name, NAME);
  // 6.1 of RFC 5890: what travels is ASCII; whoever shows it may decode it
  assert.match(raw.toString('latin1'), /ann@xn--gre-6ka8i\.example/);
});

test('both alternatives say the same, and markup in a title is none', () => {
  assert.ok(mail.text.includes(TITLE));
  assert.ok(!mail.html.includes('<b>&amp;</b>'));
  assert.ok(mail.html.includes('&lt;b&gt;&amp;amp;&lt;/b&gt;'));
  for (const text of [mail.text, mail.html]) assert.match(text, /https:\/\/hub\.example\/acme\/n\//);
  assert.equal(mail.attachments.length, 0);
});

test('the headers of a machine that one can unsubscribe from', () => {
  assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
  assert.equal(mail.headers.get('content-language'), 'de');
  const list = mail.headers.get('list');
  assert.match(list.unsubscribe.url, /^https:\/\/hub\.example\/acme\/u\/v1\./);
  assert.match(list.unsubscribe.mail, /@bounce\.acme\.example$/);
  assert.match(raw.toString('latin1'), /^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  assert.ok(list.id.id);
  assert.ok(Math.abs(mail.date - Date.now()) < 120_000);
});

test('it is seven-bit, with canonical lines that are not too long', () => {
  assert.ok(raw.every((byte) => byte < 0x80 && byte !== 0));
  const text = raw.toString('latin1');
  assert.doesNotMatch(text, /[^\r]\n|\r[^\n]/);
  assert.ok(Math.max(...text.split('\r\n').map((line) => line.length)) <= 998);
});
