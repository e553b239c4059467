// SPDX-License-Identifier: Apache-2.0
// Posts a trigger with the CloudEvents SDK: npm install cloudevents
import { CloudEvent, HTTP } from 'cloudevents';

const url = `${process.env.BELFRY_URL}/v1/acme/sources/crm/triggers`;
const trigger = new CloudEvent({
  id: 'crm-4711', // yours: sent twice, it counts once
  source: '/crm',
  type: 'record.created',
  data: {
    record: {
      object: 'Lead', id: '00Q-8', url: 'https://crm.example.org/00Q-8', owner: 'ann', created_by: 'bob',
      fields: { name: 'Alder and Finch', rating: 'hot' },
    },
  },
});
const { headers, body } = HTTP.structured(trigger); // or HTTP.binary
const response = await fetch(url, {
  method: 'POST',
  headers: { ...headers, authorization: `Bearer ${process.env.BELFRY_TOKEN}` },
  body,
});
console.log(response.status, await response.text());
