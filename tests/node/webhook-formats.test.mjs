// SPDX-License-Identifier: Apache-2.0
// Every format of an endpoint, several secrets and headers of its own, as the libraries of receivers read them.
import assert from 'node:assert/strict';
import { createPublicKey, verify as verifyBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { HTTP } from 'cloudevents';
import * as standard from 'standardwebhooks';
import * as svix from 'svix';
import { Hub, WEBHOOK_SECRET, withHook } from './support/hub.mjs';
import { Receiver } from './support/receiver.mjs';

const LIBRARIES = { standardwebhooks: standard, svix };
const OLD_SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const OTHER_SECRET = 'whsec_plJ3nmyCDGBKInavdOK15jsl';
// the survey's vector: seed and public key
const SIGNING_KEY = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const PUBLIC_KEY = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
const TITLE = 'Ünïcode αβγ 😀 "quoted" 100 % </script>';
const HEADERS = { 'X-Team': 'sales, "north"', Authorization: 'Bearer of-the-receiver' };
const FORMATS = ['standard', 'thin', 'cloudevents-structured', 'cloudevents-binary'];

let hub, receiver, event;
const came = {}; // by the last segment of the path
before(async () => {
  receiver = await Receiver.start(200);
  const endpoint = (name, more) => ({ name, url: receiver.url(`/${name}`), secret: '${env:NODE_TEST_HOOK}', ...more });
  hub = await Hub.start(withHook(undefined, {
    endpoints: [
      ...FORMATS.map((format) => endpoint(format, { format, headers: HEADERS })),
      endpoint('rotated', { secret: ['${env:NODE_TEST_HOOK}', OLD_SECRET] }),
      endpoint('both', { secret: `${WEBHOOK_SECRET} ${SIGNING_KEY}`, signatures: ['v1', 'v1a'] }),
    ],
  }));
  await hub.case('ann', 'bad', TITLE, { url: 'https://crm.example/c?a=1&b=2' });
  for (const request of await receiver.wait(FORMATS.length + 2)) came[request.url.slice(1)] = request;
  event = (await hub.get('/v1/acme/events?source=crm')).items.find((one) => one.type === 'workflow.bad');
});
after(async () => {
  await hub?.stop();
  await receiver?.stop();
});

for (const [name, { Webhook, WebhookVerificationError }] of Object.entries(LIBRARIES)) {
  for (const format of FORMATS)
    test(`${name} verifies ${format}, and not when a byte is another`, () => {
      const { body, headers } = came[format];
      assert.deepEqual(new Webhook(WEBHOOK_SECRET).verify(body, headers), JSON.parse(body.toString('utf8')));
      assert.equal(headers['webhook-id'], `msg_${event.id}`);
      const tampered = Buffer.from(body);
      tampered[Math.floor(tampered.length / 2)] ^= 1;
      assert.throws(() => new Webhook(WEBHOOK_SECRET).verify(tampered, headers), WebhookVerificationError);
    });

  test(`${name} verifies with the new secret and with the old one while both sign`, () => {
    const { body, headers } = came.rotated;
    assert.equal(headers['webhook-signature'].split(' ').length, 2);
    for (const secret of [WEBHOOK_SECRET, OLD_SECRET])
      assert.equal(new Webhook(secret).verify(body, headers).data.title, TITLE);
    assert.throws(() => new Webhook(OTHER_SECRET).verify(body, headers), WebhookVerificationError);
    const [newest] = headers['webhook-signature'].split(' ');
    const alone = { ...headers, 'webhook-signature': newest };
    assert.ok(new Webhook(WEBHOOK_SECRET).verify(body, alone), 'the newest stands first');
    assert.throws(() => new Webhook(OLD_SECRET).verify(body, alone), WebhookVerificationError);
  });

  test(`${name} passes over the signature of v1a`, () => {
    const { body, headers } = came.both;
    assert.match(headers['webhook-signature'], /^v1,\S{44} v1a,\S{88}$/);
    assert.equal(new Webhook(WEBHOOK_SECRET).verify(body, headers).data.title, TITLE);
  });
}

test('v1a is an Ed25519 signature over the same bytes', () => {
  const { body, headers } = came.both;
  const x = Buffer.from(PUBLIC_KEY.slice(5), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const signature = Buffer.from(/v1a,(\S+)/.exec(headers['webhook-signature'])[1], 'base64');
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
  assert.ok(verifyBytes(null, signed, key, signature));
  signed[signed.length - 10] ^= 1;
  assert.ok(!verifyBytes(null, signed, key, signature));
});

test('the CloudEvents SDK reads the structured format', () => {
  const { body, headers } = came['cloudevents-structured'];
  assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8');
  const read = HTTP.toEvent({ headers, body: body.toString('utf8') });
  assert.ok(read.validate());
  const { data } = JSON.parse(came.standard.body);
  assert.deepEqual(read.data, data);
  assert.deepEqual(
    [read.id, read.source, read.type, read.subject, read.specversion],
    [event.id, '/v1/acme/sources/crm', 'workflow.bad', data.subject, '1.0'],
  );
  assert.equal(new Date(read.time).getTime(), new Date(JSON.parse(came.standard.body).timestamp).getTime());
});

test('the CloudEvents SDK reads the binary format', () => {
  const { body, headers } = came['cloudevents-binary'];
  assert.equal(headers['content-type'], 'application/json');
  assert.ok(!('ce-datacontenttype' in headers));
  const read = HTTP.toEvent({ headers, body: body.toString('utf8') });
  const { data } = JSON.parse(came.standard.body);
  assert.deepEqual(read.data, data);
  assert.deepEqual(
    [read.id, read.source, read.type, read.severity, read.specversion],
    [event.id, '/v1/acme/sources/crm', 'workflow.bad', 'error', '1.0'],
  );
  // the SDK does not decode what the HTTP binding has encoded
  assert.equal(decodeURIComponent(headers['ce-subject']), data.subject);
});

test('thin says where the rest is, and who may read finds it there', async () => {
  const { type, timestamp, data } = JSON.parse(came.thin.body);
  assert.equal(type, 'workflow.bad');
  assert.equal(timestamp, JSON.parse(came.standard.body).timestamp);
  assert.deepEqual(Object.keys(data).sort(), ['category', 'id', 'org', 'severity', 'source', 'subject', 'url']);
  assert.ok(!came.thin.body.includes('nïcode'));
  const { origin, pathname } = new URL(data.url);
  assert.equal(origin, 'http://hub.test');
  const found = await hub.get(pathname);
  assert.equal(found.id ?? found.event?.id, event.id);
});

test('headers of the endpoint are sent along', () => {
  for (const format of FORMATS) {
    assert.equal(came[format].headers['x-team'], HEADERS['X-Team']);
    assert.equal(came[format].headers.authorization, HEADERS.Authorization);
  }
});

test('no endpoint can bring the headers that svix would rather read', async () => {
  const { body, headers } = came.standard;
  const lies = { 'svix-id': 'msg_1', 'svix-timestamp': headers['webhook-timestamp'], 'svix-signature': 'v1,AAAA' };
  assert.throws(() => new svix.Webhook(WEBHOOK_SECRET).verify(body, { ...headers, ...lies }), 'they come first');
  const config = withHook(receiver.url('/never'));
  config.channels.hooks.endpoints[0].headers = { 'svix-id': 'msg_1' };
  await assert.rejects(Hub.start(config), /`svix-id` cannot be among the `headers`/);
});
