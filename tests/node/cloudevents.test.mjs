// SPDX-License-Identifier: Apache-2.0
// The official CloudEvents SDK as a client: what it sends in each mode is taken as it comes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents';
import { Hub, triggerToken } from './hub.mjs';

let hub;
before(async () => { hub = await Hub.start(); });
after(async () => { assert.equal(await hub.stop(), 0); });

let number = 0;
const lead = (owner, name, more = {}) => new CloudEvent({
  source: '/sdk', type: 'record.created', ...more,
  data: { record: { object: 'Lead', id: `lead-${++number}`, url: 'https://crm.example/1', owner, created_by: 'carl',
    fields: { name } } },
});

async function send(message) {
  const response = await fetch(hub.triggers(), {
    method: 'POST', body: message.body,
    headers: { ...message.headers, authorization: `Bearer ${triggerToken}` },
  });
  return { status: response.status, body: await response.json() };
}

const titles = async (who) => (await hub.inbox(who)).items.map((item) => item.title).join('\n');

test('binary mode', async () => {
  const event = lead('ann', 'Binary from the SDK');
  assert.deepEqual(await send(HTTP.binary(event)),
    { status: 202, body: { accepted: [{ id: event.id, status: 'accepted', events: 1 }] } });
  assert.match(await titles('ann'), /Binary from the SDK/);
});

test('structured mode', async () => {
  const event = lead('ann', 'Structured from the SDK');
  assert.deepEqual(await send(HTTP.structured(event)),
    { status: 202, body: { accepted: [{ id: event.id, status: 'accepted', events: 1 }] } });
  assert.match(await titles('ann'), /Structured from the SDK/);
});

test('the same event in both modes is one event', async () => {
  const event = lead('ann', 'Once');
  assert.equal((await send(HTTP.structured(event))).body.accepted[0].status, 'accepted');
  assert.equal((await send(HTTP.binary(event))).body.accepted[0].status, 'duplicate');
});

test('batch of what the SDK makes', async () => {
  const events = [lead('bob', 'First of a batch'), lead('bob', 'Second of a batch')];
  const body = `[${events.map((event) => HTTP.structured(event).body).join(',')}]`;
  const answer = await send({ headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }, body });
  assert.equal(answer.status, 202);
  assert.deepEqual(answer.body.accepted.map((item) => item.id), events.map((event) => event.id));
  assert.match(await titles('bob'), /Second of a batch\n.*First of a batch/);
});

test('optional attributes and extensions', async () => {
  const event = lead('ann', 'With extensions', {
    subject: 'leads/1', time: new Date().toISOString(), dataschema: 'https://crm.example/lead.json',
    datacontenttype: 'application/json', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', sampled: 1,
    urgent: true,
  });
  for (const message of [HTTP.structured(event), HTTP.binary(event)]) assert.equal((await send(message)).status, 202);
});

test('text beyond ASCII, also in headers that the SDK does not encode', async () => {
  const event = lead('ann', 'Ünïcode \u{1f600} and "quotes"');
  assert.equal((await send(HTTP.structured(event))).status, 202);
  assert.match(await titles('ann'), /Ünïcode \u{1f600} and "quotes"/u);
  const accented = lead('ann', 'Accent', { subject: 'caf\u00e9' });
  const message = HTTP.binary(accented);
  message.headers['ce-subject'] = Buffer.from(message.headers['ce-subject']).toString('latin1'); // UTF-8 on the wire
  assert.equal((await send(message)).status, 202);
});

test('the emitter of the SDK', async () => {
  for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
    const emit = emitterFor(httpTransport(hub.triggers()), { mode });
    const event = lead('bob', `Emitted in ${mode} mode`);
    const answer = await emit(event, { headers: { authorization: `Bearer ${triggerToken}` } });
    const body = JSON.parse(answer.body);
    assert.equal(body.accepted[0].id, event.id);
    assert.match(await titles('bob'), new RegExp(`Emitted in ${mode} mode`));
  }
});

test('data_base64', async () => {
  const event = lead('ann', 'x');
  const data = Buffer.from(JSON.stringify(event.data)).toString('base64');
  const body = JSON.stringify({ specversion: '1.0', id: 'base64', source: '/sdk', type: 'record.created', data_base64: data,
    datacontenttype: 'application/json' });
  const answer = await send({ headers: { 'content-type': 'application/cloudevents+json' }, body });
  assert.ok([202, 400, 415, 422].includes(answer.status), `${answer.status}`);
});

test('what the SDK calls invalid is refused', async () => {
  const event = lead('ann', 'x');
  for (const missing of ['id', 'source', 'type', 'specversion']) {
    const message = HTTP.binary(event);
    delete message.headers[`ce-${missing}`];
    const answer = await send(message);
    assert.ok([400, 415].includes(answer.status), `${missing}: ${answer.status}`);
  }
});
