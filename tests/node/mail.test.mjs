// SPDX-License-Identifier: Apache-2.0
// Mails as mailparser reads them, the parser of many a program in Node: every field and both bodies are what was said.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { Writer } from './support/mail.mjs';

const WHOLE = {
  from: '"Acme, Hub" <notify@hub.example>',
  to: 'jane@bücher.example',
  to_name: 'Jane Döe',
  subject: '[Deploy] billing-eu failed on prod',
  message_id: 'd.01jd8x2v5c@hub.example',
  thread: 't.9f3c1a77@hub.example',
  list_name: 'Acme Hub: Deploy',
  list_id: 'deploy.hub.example',
  unsubscribe: 'https://hub.example/acme/u/v1.TOKEN',
  unsubscribe_mail: 'unsub+TOKEN@bounce.hub.example',
  feedback_id: 'deploy:single:t1:acmehub',
  language: 'de',
  text: 'Größe 4711  \n\n.\nFrom here on = there\n',
  html: '<!doctype html>\n<html lang="de"><p>Größe &amp; mehr</p></html>\n',
  date_ms: Date.UTC(2025, 10, 20, 19, 59),
};

const TEXTS = [
  'Grüße aus München',
  '日本語の件名がとても長いのでいくつもの行に分かれる、それでも一文字も失われてはならない',
  'a日本語の件名がとても長いのでいくつもの行に分かれる、それでも一文字も失われてはならない',
  '👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧',
  '"quoted", <b>, (c); d: e@f',
  'x'.repeat(300),
  'plain words '.repeat(20) + 'end',
  'Bcc: eve@evil.example',
  'back\\slash "and" quote',
];

let writer;
before(() => { writer = new Writer(); });
after(() => writer.stop());

async function parsed(changes = {}) {
  const answer = await writer.ask({ ...WHOLE, ...changes });
  assert.equal(answer.fault, undefined);
  return simpleParser(answer.message, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
}

test('every field and both bodies', async () => {
  const mail = await parsed();
  assert.deepEqual(mail.from.value, [{ address: 'notify@hub.example', name: 'Acme, Hub' }]);
  assert.deepEqual(mail.to.value, [{ address: 'jane@bücher.example', name: 'Jane Döe' }]);
  assert.equal(mail.subject, WHOLE.subject);
  assert.equal(mail.date.getTime(), WHOLE.date_ms);
  assert.equal(mail.messageId, '<d.01jd8x2v5c@hub.example>');
  assert.equal(mail.inReplyTo, '<t.9f3c1a77@hub.example>');
  assert.equal(mail.references, '<t.9f3c1a77@hub.example>');
  assert.deepEqual(mail.headers.get('list').id, { name: 'Acme Hub: Deploy', id: 'deploy.hub.example' });
  assert.deepEqual(mail.headers.get('list').unsubscribe,
    { url: 'https://hub.example/acme/u/v1.TOKEN', mail: 'unsub+TOKEN@bounce.hub.example' });
  assert.equal(mail.headers.get('list')['unsubscribe-post'].name, 'List-Unsubscribe=One-Click');
  assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
  assert.equal(mail.headers.get('x-auto-response-suppress'), 'All');
  assert.equal(mail.headers.get('feedback-id'), 'deploy:single:t1:acmehub');
  assert.equal(mail.headers.get('content-language'), 'de');
  assert.equal(mail.headers.get('content-type').value, 'multipart/alternative');
  assert.equal(mail.text, WHOLE.text);
  assert.equal(mail.html, WHOLE.html);
  assert.deepEqual(mail.attachments, []);
});

for (const text of TEXTS) {
  test(`a subject and a name: ${text.slice(0, 20)}`, async () => {
    const mail = await parsed({ subject: text, to_name: text, text, html: `<p>${text.replace('<', '&lt;')}</p>` });
    assert.equal(mail.subject, text);
    assert.deepEqual(mail.to.value, [{ address: 'jane@bücher.example', name: text }]);
    assert.equal(mail.bcc, undefined);
    assert.equal(mail.text.trimEnd(), text);
  });
}

test('what would be a field of its own is refused', async () => {
  for (const subject of ['a\r\nBcc: eve@evil.example', 'a\nb', 'a\0b', 'a\u2028b'])
    assert.deepEqual(await writer.ask({ ...WHOLE, subject }),
      { fault: 'the subject has a control character or is not UTF-8' });
});
