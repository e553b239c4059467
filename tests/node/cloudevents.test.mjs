// SPDX-License-Identifier: Apache-2.0
// Triggers as the official CloudEvents SDK sends them, in all modes of the HTTP binding.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CloudEvent, HTTP, Mode, emitterFor, httpTransport } from 'cloudevents';
import { Hub, TOKEN, baseConfig, bearer } from './support/hub.mjs';

let hub;
before(async () => {
  const config = baseConfig();
  // each test has a person of its own
  config.orgs.acme.users = Object.fromEntries([...'abcdefghij'].map((name) => [name, {}]));
  hub = await Hub.start(config);
});
after(() => hub?.stop());

let number = 0;
function created(person, name, attributes = {}) {
  number += 1;
  const id = `c-${number}`;
  const url = `https://crm.example/cases/${id}`;
  const fields = { for: person, kind: 'odd', name };
  const record = { object: 'Case', id, url, owner: 'carl', created_by: 'carl', fields };
  return new CloudEvent({ id: `sdk-${id}`, source: '/sdk', type: 'record.created', data: { record }, ...attributes });
}

async function post({ headers, body }, credential = bearer(TOKEN)) {
  const response = await fetch(hub.triggers(), { method: 'POST', headers: { ...headers, ...credential }, body });
  return { status: response.status, body: await response.json() };
}

const accepted = (event, status = 'accepted', events = 1) => ({ id: event.id, status, events });

async function assertOneRow(person, title) {
  const items = await hub.inbox(person);
  assert.deepEqual(items.map((item) => [item.title, item.severity, item.unread]), [[title, 'warning', true]]);
}

for (const [mode, person] of [['binary', 'a'], ['structured', 'b']]) {
  test(`an event in ${mode} mode is accepted, once`, async () => {
    const event = created(person, `Ünï ${mode} 😀`);
    const message = HTTP[mode](event);
    assert.equal('ce-id' in message.headers, mode === 'binary');
    const first = await post(message);
    assert.deepEqual(first, { status: 202, body: { accepted: [accepted(event)] } });
    await assertOneRow(person, `Ünï ${mode} 😀`);
    const again = await post(message);
    assert.equal(again.status, 202);
    assert.deepEqual([again.body.accepted[0].id, again.body.accepted[0].status], [event.id, 'duplicate']);
    await assertOneRow(person, `Ünï ${mode} 😀`);
  });
}

test('a batch is accepted in its order, also with what was sent before', async () => {
  const events = [created('c', 'first'), created('c', 'second'), created('c', 'third')];
  const batch = () => ({
    headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
    body: JSON.stringify(events.map((event) => event.toJSON())),
  });
  const { status, body } = await post(batch());
  assert.equal(status, 202);
  assert.deepEqual(body.accepted, events.map((event) => accepted(event)));
  assert.deepEqual((await hub.inbox('c')).map((item) => item.title), ['third', 'second', 'first']);
  events.push(created('c', 'fourth'));
  const second = await post(batch());
  assert.deepEqual(second.body.accepted.map((one) => one.status), ['duplicate', 'duplicate', 'duplicate', 'accepted']);
  assert.equal((await hub.inbox('c')).length, 4);
});

for (const [mode, person] of [[Mode.BINARY, 'd'], [Mode.STRUCTURED, 'e']]) {
  test(`an emitter in ${mode} mode with the transport of the SDK`, async () => {
    const emit = emitterFor(httpTransport(hub.triggers()), { binding: HTTP, mode });
    const event = created(person, `emitted ${mode}`);
    const response = await emit(event, { headers: bearer(TOKEN) });
    assert.match(response.headers['content-type'], /^application\/json/);
    assert.deepEqual(JSON.parse(response.body), { accepted: [accepted(event)] });
    await assertOneRow(person, `emitted ${mode}`);
    const refused = await emit(created(person, 'without a credential'), {});
    assert.match(refused.headers['content-type'], /^application\/problem\+json/);
    assert.equal(JSON.parse(refused.body).status, 401);
    await assertOneRow(person, `emitted ${mode}`);
  });
}

test('attributes of extensions, a subject in UTF-8, a time and a schema are taken', async () => {
  const attributes = {
    subject: 'Euro € 😀', time: '2026-02-03T04:05:06.789Z', dataschema: 'https://crm.example/schemas/record',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', sampledrate: 3, urgent: true,
  };
  const structured = created('f', 'with everything', attributes);
  assert.deepEqual(await post(HTTP.structured(structured)), { status: 202, body: { accepted: [accepted(structured)] } });

  // The SDK leaves the percent-encoding of header values (HTTP binding 3.1.3.2) to its user.
  const binary = created('f', 'with headers', { ...attributes, subject: encodeURIComponent(attributes.subject) });
  assert.deepEqual(await post(HTTP.binary(binary)), { status: 202, body: { accepted: [accepted(binary)] } });
  assert.deepEqual((await hub.inbox('f')).map((item) => item.title), ['with headers', 'with everything']);
});

test('a subject as raw UTF-8 in a header, as other clients of the SDK put it', async () => {
  const event = created('g', 'raw header', { subject: 'Zürich €' });
  const message = HTTP.binary(event);
  message.headers['ce-subject'] = Buffer.from(message.headers['ce-subject']).toString('latin1');
  assert.deepEqual(await post(message), { status: 202, body: { accepted: [accepted(event)] } });
  await assertOneRow('g', 'raw header');
});

test('what the SDK sends wrongly is refused with the place of the fault', async () => {
  const event = created('h', 'x');
  delete event.data.record.object;
  for (const mode of ['binary', 'structured']) {
    const { status, body } = await post(HTTP[mode](event));
    assert.equal(status, 422);
    assert.deepEqual(body.errors.map((error) => error.pointer), ['/data/record/object']);
  }
  assert.equal((await post(HTTP.structured(created('h', 'x')), bearer('no such token'))).status, 401);
  assert.deepEqual(await hub.inbox('h'), []);
});

test('the same event in another mode is a duplicate', async () => {
  const event = created('i', 'in both modes');
  const statuses = [];
  for (const mode of ['binary', 'structured']) statuses.push((await post(HTTP[mode](event))).body.accepted[0].status);
  assert.deepEqual(statuses, ['accepted', 'duplicate']);
  await assertOneRow('i', 'in both modes');
});

test('data in base64 is data', async () => {
  const { data, ...attributes } = created('j', 'Gewürz in base64').toJSON();
  const body = JSON.stringify({ ...attributes, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') });
  const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  assert.deepEqual(await post({ headers, body }), { status: 202, body: { accepted: [accepted(attributes)] } });
  await assertOneRow('j', 'Gewürz in base64');
});
