// SPDX-License-Identifier: Apache-2.0
// Posts to the hook of a source, signed as Standard Webhooks has it: npm install standardwebhooks
import { Webhook } from 'standardwebhooks';

const url = `${process.env.BELFRY_URL}/v1/acme/sources/crm/hook`;
const body = JSON.stringify({ name: 'Northwind Dairy', owner: 'ann' });
const id = 'msg_4711'; // yours: sent twice, it counts once
const now = new Date();

const response = await fetch(url, {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': new Webhook(process.env.HOOK_SECRET).sign(id, now, body),
  },
  body,
});
console.log(response.status);
