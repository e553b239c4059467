// SPDX-License-Identifier: Apache-2.0
// What the hub sends is verified by the libraries that receivers use: standardwebhooks and svix.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as standard from 'standardwebhooks';
import * as svix from 'svix';
import { Hub, WEBHOOK_SECRET, withHook } from './support/hub.mjs';
import { Receiver } from './support/receiver.mjs';
import { until } from './support/wait.mjs';

const LIBRARIES = { standardwebhooks: standard, svix };
const OTHER_SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

let hub, receiver, first;
before(async () => {
  receiver = await Receiver.start(200);
  hub = await Hub.start(withHook(receiver.url()));
  await hub.case('ann', 'bad', 'Ünïcode αβγ 😀 "quoted" </script>', { url: 'https://crm.example/c?a=1&b=2' });
  [first] = await receiver.wait(1);
});
after(async () => {
  await hub?.stop();
  await receiver?.stop();
});

for (const [name, { Webhook, WebhookVerificationError }] of Object.entries(LIBRARIES)) {
  const verify = (body, headers, secret = WEBHOOK_SECRET) => new Webhook(secret).verify(body, headers);

  test(`${name} verifies the bytes and the headers as they came`, () => {
    const event = verify(first.body, first.headers);
    assert.deepEqual(event, JSON.parse(first.body.toString('utf8')));
    assert.equal(event.type, 'workflow.bad');
    assert.equal(event.data.title, 'Ünïcode αβγ 😀 "quoted" </script>');
    assert.deepEqual(verify(first.body.toString('utf8'), first.headers), event);
  });

  test(`${name} refuses what was tampered with`, () => {
    const refuses = (body, headers, secret) =>
      assert.throws(() => verify(body, headers, secret), WebhookVerificationError);
    const longer = Buffer.concat([first.body, Buffer.from(' ')]);
    const other = Buffer.from(first.body);
    other[other.length - 10] ^= 1;
    refuses(longer, first.headers);
    refuses(other, first.headers);
    refuses(JSON.stringify(JSON.parse(first.body), null, 1), first.headers);
    refuses(first.body, { ...first.headers, 'webhook-id': 'msg_another' });
    const later = String(Number(first.headers['webhook-timestamp']) + 1);
    refuses(first.body, { ...first.headers, 'webhook-timestamp': later });
    refuses(first.body, first.headers, OTHER_SECRET);
    for (const header of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
      refuses(first.body, { ...first.headers, [header]: undefined });
  });
}

test('the headers are those of the standard', () => {
  assert.equal(first.method, 'POST');
  assert.equal(first.headers['content-type'], 'application/json');
  assert.match(first.headers['webhook-id'], /^msg_[^.]+$/);
  assert.match(first.headers['webhook-timestamp'], /^[0-9]+$/);
  assert.ok(Math.abs(first.headers['webhook-timestamp'] - Date.now() / 1000) < 120, 'seconds, not milliseconds');
  assert.equal(first.headers['content-length'], String(first.body.length));
  const signed = new Date(first.headers['webhook-timestamp'] * 1000);
  const signature = new standard.Webhook(WEBHOOK_SECRET).sign(first.headers['webhook-id'], signed, first.body);
  assert.ok(first.headers['webhook-signature'].split(' ').includes(signature));
});

test('a retry has the same id and bytes, and a fresh signature that is valid', async (t) => {
  const angry = await Receiver.start(503, 200);
  const own = await Hub.start(withHook(angry.url(), { schedule: ['1s'] }));
  t.after(async () => {
    await own.stop();
    await angry.stop();
  });
  await own.case('ann', 'worst', 'Twice');
  const [one, two] = await angry.wait(2);
  assert.equal(two.headers['webhook-id'], one.headers['webhook-id']);
  assert.deepEqual(two.body, one.body);
  assert.ok(Number(two.headers['webhook-timestamp']) > Number(one.headers['webhook-timestamp']));
  assert.notEqual(two.headers['webhook-signature'], one.headers['webhook-signature']);
  for (const { Webhook } of Object.values(LIBRARIES))
    for (const { body, headers } of [one, two])
      assert.equal(new Webhook(WEBHOOK_SECRET).verify(body, headers).data.title, 'Twice');
  await until(async () => (await own.get('/v1/acme/deliveries?channel=hooks')).items[0].state === 'delivered',
    'the delivery is delivered');
  assert.equal(angry.requests.length, 2);
});
