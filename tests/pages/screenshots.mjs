// SPDX-License-Identifier: Apache-2.0
// Makes the pictures of the documentation from a hub that got real triggers:
// node tests/pages/screenshots.mjs [DIRECTORY]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, signIn } from '../node/support/browser.mjs';
import { Hub, baseConfig } from '../node/support/hub.mjs';

const directory = process.argv[2] ?? fileURLToPath(new URL('../../docs/pictures', import.meta.url));

function demoConfig() {
  const config = baseConfig();
  config.categories = {
    leads: { label: 'Leads' }, deals: { label: 'Deals' }, service: { label: 'Service' },
    workflow: { label: 'Assignments' },
  };
  config.sources.crm.rules = [
    {
      name: 'hot-lead', on: 'both', fire: 'on_entering', when: { object: 'Lead', 'fields.rating': 'hot' },
      notify: { to: ['owner'], title: 'Hot lead: {{fields.name}}', severity: 'warning', category: 'leads' },
    },
    {
      name: 'big-deal', on: 'both', fire: 'on_entering',
      when: { object: 'Opportunity', 'fields.amount': { gte: 100000 } },
      notify: {
        to: ['owner', 'role:sales-manager'], title: 'Big deal: {{fields.name}}', severity: 'success', category: 'deals',
      },
    },
    {
      name: 'overdue', on: 'both', fire: 'on_entering', when: { object: 'Case', 'fields.overdue': true },
      notify: { to: ['owner'], title: 'Overdue: {{fields.name}}', severity: 'error', category: 'service' },
    },
  ];
  return config;
}

// [type, object, id, who, owner, fields]
const STORY = [
  ['created', 'Opportunity', '006-1', 'bob', 'bob', { name: 'Harbour Cranes, second quay', amount: 240000 }],
  ['created', 'Lead', '00Q-1', 'bob', 'ann', { name: 'Northwind Dairy', rating: 'warm' }],
  ['updated', 'Lead', '00Q-1', 'bob', 'ann', { name: 'Northwind Dairy', rating: 'hot' }],
  ['created', 'Case', '500-1', 'bob', 'bob', { name: 'Invoice shows the wrong address' }],
  ['updated', 'Case', '500-1', 'carl', 'ann', { name: 'Invoice shows the wrong address' }],
  ['updated', 'Case', '500-1', 'carl', 'ann', { name: 'Invoice shows the wrong address', overdue: true }],
];

async function tell(hub) {
  for (const [what, object, id, who, owner, fields] of STORY) {
    const record = { object, id, url: `https://crm.example.org/${id}`, owner, fields };
    if (what === 'created') await hub.send('record.created', { record: { ...record, created_by: who } });
    else await hub.send('record.updated', { record, changed_by: who });
  }
}

// A picture of 1000 x 700 points with room for five rows
const SIZE = { viewport: { width: 1150, height: 805 }, deviceScaleFactor: 1000 / 1150, colorScheme: 'light' };

const hub = await Hub.start(demoConfig());
const browser = await launch();
try {
  await tell(hub);
  const page = await signIn(browser, hub, 'ann', SIZE);
  for (const title of ['Invoice', 'Northwind Dairy', 'Big deal'])
    await page.getByRole('button', { name: new RegExp(`^Mark read\\W+${title}`) }).click();
  await page.goto(`${hub.url}/acme/notifications`);
  await page.mouse.move(0, 0);
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, 'inbox.png') });
  console.log(join(directory, 'inbox.png'), (await page.locator('.row .title').allTextContents()).join(' | '));
} finally {
  await browser.close();
  await hub.stop();
}
