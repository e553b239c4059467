// SPDX-License-Identifier: Apache-2.0
// What the hub sends is verified by the libraries that receivers use: standardwebhooks and svix.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Webhook as Standard } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';
import { caseFor, Hub, receiver, webhookSecret } from './hub.mjs';

const otherSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
let hub;
let endpoint;

before(async () => {
  endpoint = await receiver(200);
  hub = await Hub.start({ endpoints: [{ name: 'app', url: endpoint.url, secret: webhookSecret }] });
});
after(async () => {
  assert.equal(await hub.stop(), 0);
  await endpoint.close();
});

async function delivered(name) {
  const event = caseFor('ann', 'bad', name, { text: 'Ärger \u{1f525}' });
  await hub.post(event);
  const all = await endpoint.wait(endpoint.got.length + 1).catch(() => endpoint.got);
  return all.find((one) => JSON.parse(one.body).data.title === name);
}

test('the vectors of the libraries agree with each other', () => {
  const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330' };
  const signature = new Standard(webhookSecret).sign(headers['webhook-id'], new Date(1614265330000), '{"test": 2432232314}');
  assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('standardwebhooks verifies', async () => {
  const got = await delivered('For standardwebhooks');
  const body = new Standard(webhookSecret).verify(got.body.toString(), got.headers);
  assert.equal(body.type, 'workflow.bad');
  assert.equal(body.data.title, 'For standardwebhooks');
  assert.equal(body.data.body, 'Ärger \u{1f525}');
  assert.equal(body.data.org, 'acme');
  assert.ok(!Number.isNaN(Date.parse(body.timestamp)));
});

test('svix verifies', async () => {
  const got = await delivered('For svix');
  const body = new Svix(webhookSecret).verify(got.body, got.headers);
  assert.equal(body.data.title, 'For svix');
});

test('both refuse another secret, a changed body, id or time', async () => {
  const got = await delivered('To be forged');
  const text = got.body.toString();
  for (const Library of [Standard, Svix]) {
    assert.throws(() => new Library(otherSecret).verify(text, got.headers));
    assert.throws(() => new Library(webhookSecret).verify(text.replace('forged', 'f0rged'), got.headers));
    assert.throws(() => new Library(webhookSecret).verify(text, { ...got.headers, 'webhook-id': 'msg_other' }));
    const later = String(Number(got.headers['webhook-timestamp']) + 1);
    assert.throws(() => new Library(webhookSecret).verify(text, { ...got.headers, 'webhook-timestamp': later }));
  }
});

test('a retry verifies anew, under the same id and with the same bytes', async () => {
  const flaky = await receiver(500, 200);
  const second = await Hub.start({ endpoints: [{ name: 'flaky', url: flaky.url, secret: webhookSecret }] });
  try {
    await second.post(caseFor('ann', 'calm', 'Twice'));
    const [first, again] = await flaky.wait(2); // five seconds later, and up to one more
    assert.equal(first.headers['webhook-id'], again.headers['webhook-id']);
    assert.deepEqual(first.body, again.body);
    assert.ok(Number(again.headers['webhook-timestamp']) >= Number(first.headers['webhook-timestamp']) + 5);
    assert.notEqual(first.headers['webhook-signature'], again.headers['webhook-signature']);
    for (const one of [first, again]) {
      new Standard(webhookSecret).verify(one.body.toString(), one.headers);
      new Svix(webhookSecret).verify(one.body, one.headers);
    }
  } finally {
    assert.equal(await second.stop(), 0);
    await flaky.close();
  }
});
