// SPDX-License-Identifier: Apache-2.0
// Every page in every state that a person can meet, over one hub that got real triggers: for the matrix of faults and
// for the pictures of the documentation.
//
// A state is {name, person, path, act?, status?}: who looks at which address, and what is done there before one looks.
// person null: nobody is signed in. path is text or a function of the world.
import assert from 'node:assert/strict';
import { Hub, TOKEN, baseConfig, bearer, mint } from '../../node/support/hub.mjs';
import { Receiver } from '../../node/support/receiver.mjs';
import { until } from '../../node/support/wait.mjs';

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungszeremonienmeister'.repeat(3);

function config(hook) {
  const config = baseConfig();
  config.hub.limits = { disk_floor_bytes: '1MiB' };
  config.orgs.acme.users = {
    ann: { name: 'Ann Lee', email: 'ann@acme.example', roles: ['sales-manager', 'admin'] },
    bob: { name: 'Bob Meyer', email: 'bob@acme.example' },
    carl: { name: 'Carl Okafor', email: 'carl@acme.example' },
    dora: { name: 'Dora Empty' },
    eve: { name: 'Eve Asked', roles: ['admin'] },
    hans: { name: 'Hans Groß', locale: 'de' },
  };
  config.categories = {
    CALC_BLOCKED: { visible_to: ['sales-manager'] }, news: { label: 'News' }, trouble: { label: 'Trouble' },
  };
  Object.assign(config.sources, {
    deals: { plugin: 'approval' }, 'hr-sync': { plugin: 'sync', background_after: '3s' }, billing: { plugin: 'invoice' },
  });
  config.channels.hooks = {
    plugin: 'webhook', allow_cidrs: ['127.0.0.0/8'], schedule: ['0s'],
    endpoints: [
      { name: 'crm-mirror', url: hook.url(), secret: '${env:NODE_TEST_HOOK}' },
    ],
  };
  config.rules.push({ name: 'hooks', when: { source: ['crm', 'deals'] }, deliver: ['hooks'] });
  return config;
}

async function fillHostile(hub) {
  await hub.case('eve', 'bad', '<script>alert(1)</script> & "quoted" </table>');
  await hub.case('eve', 'odd', LONG);
  await hub.case('eve', 'calm', 'הודעה חדשה מאת המערכת');
  await hub.case('eve', 'worst', 'Critical: the payroll of \u202Eevil\u202C did not run');
  await hub.case('eve', 'fine', 'All 412 invoices were sent');
}

async function fillGone(hub) {
  const record = { object: 'Lead', id: 'l-1', url: 'https://crm.example/l-1', owner: 'eve', created_by: 'carl', fields: { name: 'Acme Ltd' } };
  await hub.send('record.created', { record });
  await hub.send('record.updated', { record: { object: 'Lead', id: 'l-1', owner: 'bob' }, changed_by: 'carl' });
  const ago = (minutes) => ({ time: new Date(Date.now() - minutes * 60_000).toISOString() });
  const overview = (id) => ({ run: { id, kind: 'overview', admin: 'eve' } });
  await hub.send('sync.started', overview('o-1'), 'hr-sync', ago(60));
  await hub.send('sync.finished', { run: { id: 'o-1' }, outcome: 'succeeded', url: '/o-1' }, 'hr-sync', ago(50));
  await hub.send('sync.started', overview('o-2'), 'hr-sync', ago(2));
}

// An inbox as somebody has it who reads German: of what he does himself nobody tells him.
async function fillGerman(hub) {
  const record = { object: 'Auftrag', id: 'a-17', url: 'https://crm.example/a-17', owner: 'hans', created_by: 'carl',
    fields: { name: 'Wartung Hafenkran 3' } };
  await hub.send('record.created', { record });
  await hub.send('approval.submitted', { approval: { id: 'k-1', title: 'Neue Kaffeemaschine', url: 'https://erp.example/k-1',
    submitter: 'carl', steps: [{ name: 'Einkauf', approvers: ['hans'], needs: 'any' }] } }, 'deals');
  const invoice = { id: 'r-9', number: 'R-2026-009', owner: 'hans', payer: { name: 'Globex', email: 'pay@globex.example' },
    amount_minor: 118_000, currency: 'EUR', due_on: '2099-12-01', url: 'https://erp.example/r-9' };
  await hub.send('invoice.issued', { invoice }, 'billing');
  await hub.send('payment.claimed', { invoice: { id: 'r-9' }, by: 'globex', reference: 'SEPA 77' }, 'billing');
  const time = (minutes) => ({ time: new Date(Date.now() - minutes * 60_000).toISOString() });
  await hub.send('sync.started', { run: { id: 'n-1', kind: 'recalculation', admin: 'hans' } }, 'hr-sync', time(90));
  await hub.send('sync.finished', { run: { id: 'n-1' }, outcome: 'partial', counts: { Zeilen: 1234567 } }, 'hr-sync', time(5));
}

// An endpoint that somebody made, with attempts of which the first did not arrive.
async function makeEndpoint(hub, receiver) {
  const call = async (path, body) => {
    const response = await fetch(`${hub.url}/v1/acme${path}`, {
      method: 'POST', body: JSON.stringify(body),
      headers: { ...bearer(mint('ann', { roles: ['admin'] })), 'content-type': 'application/json' },
    });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  };
  const endpoint = await call('/endpoints', {
    url: receiver.url('/webhooks/belfry'), description: 'Bookkeeping of the Hamburg office', rate: 600,
    types: ['invoice.*', 'approval.approved'], when: { severity: { gte: 'success' } }, headers: { 'X-Office': 'hamburg' },
    signatures: ['v1', 'v1a'], metadata: { team: 'finance' },
  });
  for (let i = 1; i <= 3; i++) {
    await call(`/endpoints/${endpoint.id}/test`, { type: 'invoice.paid' });
    await receiver.wait(i);
  }
  return endpoint;
}

export async function world() {
  const [refusing, accepting] = [await Receiver.start(500), await Receiver.start(503, 200)];
  const hub = await Hub.start(config(refusing));
  await fillHostile(hub);
  await fillGone(hub);
  await fillGerman(hub);
  await hub.belfry('demo', '--fast', '--org', 'acme');
  const all = await hub.inbox('eve', '?read=all&limit=200');
  const by = (validity) => all.find((item) => item.validity === validity);
  const admin = (path) => hub.get(path, bearer(mint('ann', { roles: ['admin', 'sales-manager'] })));
  const endpoint = await makeEndpoint(hub, accepting);
  const deliveries = await until(async () => {
    const { items } = await admin('/v1/acme/deliveries?state=failed');
    return items.length && items;
  }, 'a webhook has failed for good');
  const events = (await admin('/v1/acme/events?limit=200')).items;
  const runs = (await admin('/v1/acme/sources/hr-sync/runs')).items;
  assert.ok(by('withdrawn') && by('superseded') && events.length && runs.length);
  return {
    hub, withdrawn: by('withdrawn'), superseded: by('superseded'), detail: all.find((i) => i.title.startsWith('All 412')),
    delivery: deliveries[0], event: events.find((e) => e.type === 'approval.requested') ?? events[0], run: runs[0],
    endpoint, token: TOKEN,
    async stop() {
      await hub.stop();
      await Promise.all([refusing.stop(), accepting.stop()]);
    },
  };
}

const inbox = '/acme/notifications';

export const STATES = [
  { name: 'inbox', person: 'ann', path: inbox },
  { name: 'inbox-hostile', person: 'eve', path: inbox },
  { name: 'inbox-german', person: 'hans', path: inbox },
  { name: 'inbox-filtered', person: 'ann', path: `${inbox}?severity=warning&severity=error&read=unread` },
  { name: 'inbox-no-match', person: 'ann', path: `${inbox}?q=zzzz&severity=critical` },
  { name: 'inbox-unknown-filter', person: 'ann', path: `${inbox}?severity=loud` },
  { name: 'inbox-empty', person: 'dora', path: inbox },
  { name: 'inbox-nothing-hidden', person: 'ann', path: `${inbox}?status=hidden` },
  {
    name: 'inbox-selected', person: 'ann', path: inbox,
    act: async (page) => {
      for (const box of (await page.locator('input[name=ids]').all()).slice(0, 3)) await box.check();
    },
  },
  {
    name: 'inbox-undo', person: 'bob', path: inbox,
    act: async (page) => {
      await page.locator('.row button[value^="hide:"]').first().click();
      await page.locator('#banners').getByRole('button', { name: 'Undo' }).waitFor();
    },
  },
  {
    name: 'inbox-keys', person: 'ann', path: inbox,
    act: async (page) => {
      await page.locator('#heading').focus();
      await page.keyboard.press('?');
      await page.locator('dialog[open]').waitFor();
    },
  },
  {
    name: 'inbox-signed-out', person: 'carl', path: inbox,
    act: async (page) => {
      await page.route('**/v1/**', (route) => route.fulfill({ status: 401, body: '{}' }));
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await page.locator('#banners').getByText('signed out').waitFor();
    },
  },
  {
    name: 'bell', person: 'ann', path: '/acme/runs',
    act: async (page) => {
      await page.locator('belfry-bell').getByRole('button').first().click();
      await page.locator('belfry-bell').getByRole('listitem').first().waitFor();
    },
  },
  { name: 'gone-withdrawn', person: 'eve', path: (w) => w.withdrawn.href, status: 410 },
  { name: 'gone-superseded', person: 'eve', path: (w) => w.superseded.href, status: 410 },
  { name: 'not-found', person: 'eve', path: '/acme/n/019aab00-0000-7000-8000-000000000000', status: 404 },
  { name: 'preferences', person: 'ann', path: '/acme/preferences' },
  { name: 'runs', person: 'ann', path: '/acme/runs' },
  { name: 'runs-of-a-source', person: 'ann', path: '/acme/runs/hr-sync' },
  { name: 'run', person: 'ann', path: (w) => `/acme/runs/hr-sync/${w.run.id}` },
  { name: 'not-signed-in', person: null, path: inbox, status: 401 },
  { name: 'admin', person: 'ann', path: '/acme/admin' },
  { name: 'admin-events', person: 'ann', path: '/acme/admin/events' },
  { name: 'admin-story', person: 'ann', path: (w) => `/acme/admin/events/${w.event.id}` },
  { name: 'admin-explain', person: 'ann', path: '/acme/admin/explain' },
  { name: 'admin-deliveries', person: 'ann', path: '/acme/admin/deliveries' },
  { name: 'admin-delivery', person: 'ann', path: (w) => `/acme/admin/deliveries/${w.delivery.id}` },
  { name: 'admin-dead-letters', person: 'ann', path: '/acme/admin/dead-letters' },
  { name: 'admin-endpoints', person: 'ann', path: '/acme/admin/endpoints' },
  { name: 'admin-plugins', person: 'ann', path: '/acme/admin/plugins' },
  { name: 'admin-category', person: 'ann', path: '/acme/admin/categories/CALC_BLOCKED' },
  { name: 'admin-audit', person: 'ann', path: '/acme/admin/audit' },
  { name: 'portal-endpoints', person: 'ann', path: '/acme/endpoints' },
  { name: 'portal', person: 'ann', path: (w) => `/acme/endpoints/${w.endpoint.id}` },
  { name: 'portal-new', person: 'ann', path: '/acme/endpoints/new' },
  { name: 'portal-edit', person: 'ann', path: (w) => `/acme/endpoints/${w.endpoint.id}/edit` },
  { name: 'portal-attempts', person: 'ann', path: (w) => `/acme/endpoints/${w.endpoint.id}/attempts` },
  { name: 'portal-test', person: 'ann', path: (w) => `/acme/endpoints/${w.endpoint.id}/test` },
  { name: 'portal-types', person: 'ann', path: '/acme/endpoints/types' },
  { name: 'portal-verify', person: 'ann', path: '/acme/endpoints/verify' },
  {
    name: 'portal-refused', person: 'ann', path: '/acme/endpoints/new',
    act: async (page) => {
      await page.getByLabel('URL', { exact: true }).fill('ftp://files.example');
      await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Save' }).click()]);
      page.complaints.length = 0; // Chromium reports the status of such a page itself
    },
  },
  { name: 'portal-over', person: null, path: '/acme/session?portal=x', status: 401 },
  { name: 'admin-refused', person: 'bob', path: '/acme/admin', status: 403 },
];

export const addressOf = (state, world) =>
  world.hub.url + (typeof state.path === 'function' ? state.path(world) : state.path);
