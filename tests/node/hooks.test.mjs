// SPDX-License-Identifier: Apache-2.0
// What providers' own libraries sign is taken by a hook, and by no hook of another scheme.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sign as githubSign } from '@octokit/webhooks-methods';
import * as standard from 'standardwebhooks';
import Stripe from 'stripe';
import * as svix from 'svix';
import { Hub, WEBHOOK_SECRET, baseConfig } from './support/hub.mjs';

const SECRET = 'whsec_0123456789abcdef0123456789abcdef'; // of Stripe and GitHub, who take any text
const BODY = JSON.stringify({ id: 'evt_1', name: 'Ünïcode αβγ 😀 "quoted"', to: 'ann' }, null, 1);

const hook = {
  triggers: [{
    type: 'record.created',
    data: {
      record: {
        object: 'Case', id: '{{body.id}}', url: 'https://x.example/1', owner: 'x', created_by: 'x',
        fields: { for: { value_of: 'body.to' }, kind: 'calm', name: '{{body.name}}' },
      },
    },
  }],
};

// The headers with which each library sends BODY at `at`.
const SIGNERS = {
  'standard-webhooks': (body, at) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new standard.Webhook(WEBHOOK_SECRET).sign('msg_1', new Date(at), body),
  }),
  svix: (body, at) => ({
    'svix-id': 'msg_1',
    'svix-timestamp': String(Math.floor(at / 1000)),
    'svix-signature': new svix.Webhook(WEBHOOK_SECRET).sign('msg_1', new Date(at), body),
  }),
  github: async (body) => ({
    'x-github-event': 'issues',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': await githubSign(SECRET, body),
  }),
  stripe: (body, at) => ({
    'stripe-signature': new Stripe('sk_test_none').webhooks.generateTestHeaderString({
      payload: body, secret: SECRET, timestamp: Math.floor(at / 1000),
    }),
  }),
};
const SCHEMES = Object.keys(SIGNERS);

let hub;
before(async () => {
  const config = baseConfig();
  const crm = config.sources.crm;
  for (const scheme of SCHEMES) {
    const secret = ['standard-webhooks', 'svix'].includes(scheme) ? WEBHOOK_SECRET : SECRET;
    config.sources[scheme] = { ...crm, verify: { scheme, secret }, hook };
  }
  hub = await Hub.start(config);
});
after(async () => {
  await hub?.stop();
});

const post = (source, headers, body = BODY) =>
  fetch(`${hub.url}/v1/acme/sources/${source}/hook`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body,
  });

for (const scheme of SCHEMES) {
  test(`${scheme}: what its library signs is taken, once`, async () => {
    const before = await titles();
    const headers = await SIGNERS[scheme](BODY, Date.now());
    for (let times = 0; times < 2; times++) {
      const answer = await post(scheme, headers);
      assert.equal(answer.status, 200);
      assert.equal(await answer.text(), '');
      assert.equal(answer.headers.get('set-cookie'), null);
    }
    assert.equal((await titles()).length, before.length + 1);
    assert.equal((await titles())[0], 'Ünïcode αβγ 😀 "quoted"');
  });

  test(`${scheme}: what was changed under way, or signed for others, is not`, async () => {
    const headers = await SIGNERS[scheme](BODY, Date.now());
    const before = await titles();
    assert.equal((await post(scheme, headers, BODY.replace('ann', 'bob'))).status, 401);
    assert.equal((await post(scheme, headers, `${BODY} `)).status, 401);
    assert.equal((await post(scheme, {})).status, 401);
    for (const other of SCHEMES.filter((name) => name !== scheme))
      assert.equal((await post(other, headers)).status, 401, `${other} took it`);
    assert.deepEqual(await titles(), before);
  });
}

for (const scheme of SCHEMES.filter((name) => name !== 'github')) {
  test(`${scheme}: what is old is not taken`, async () => {
    const headers = await SIGNERS[scheme](BODY, Date.now() - 302_000);
    assert.equal((await post(scheme, headers)).status, 401);
    assert.equal((await post(scheme, await SIGNERS[scheme](BODY, Date.now() - 200_000))).status, 200);
  });
}

async function titles() {
  return (await hub.inbox('ann')).map((item) => item.title);
}
