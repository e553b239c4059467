// SPDX-License-Identifier: Apache-2.0
// The receiver that README and the guide show, as it stands there, with the official library and a hub.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Hub, WEBHOOK_SECRET, withHook } from './support/hub.mjs';
import { until } from './support/wait.mjs';

const EXAMPLE = fileURLToPath(new URL('../../docs/examples/receiver.mjs', import.meta.url));
const PACKAGES = fileURLToPath(new URL('node_modules', import.meta.url));

// From below those that the system gives to whoever connects or listens: nobody has taken it when it is used.
async function freePort() {
  const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0]);
  const port = randomInt(10_000, lowest);
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}

// In a directory of its own beside the packages, as `npm install standardwebhooks` would leave it.
async function startExample(t, env) {
  const root = mkdtempSync(join(tmpdir(), 'belfry-receiver-'));
  copyFileSync(EXAMPLE, join(root, 'receiver.mjs'));
  symlinkSync(PACKAGES, join(root, 'node_modules'));
  const port = await freePort();
  const process_ = spawn(process.execPath, [join(root, 'receiver.mjs')], { env: { ...process.env, ...env, PORT: String(port) } });
  const ended = once(process_, 'exit');
  const example = { url: `http://127.0.0.1:${port}/hook`, said: '', faults: '' };
  process_.stdout.setEncoding('utf8').on('data', (text) => { example.said += text; });
  process_.stderr.setEncoding('utf8').on('data', (text) => { example.faults += text; });
  t.after(async () => {
    process_.kill();
    await ended;
    rmSync(root, { recursive: true, force: true });
  });
  await until(async () => {
    assert.equal(process_.exitCode, null, example.faults);
    return fetch(example.url, { method: 'POST', body: '{}' }).catch(() => null);
  }, 'the example listens');
  return example;
}

test('the example takes what a hub sends, once, and nothing else', async (t) => {
  const example = await startExample(t, { HOOK_SECRET: WEBHOOK_SECRET });
  const hub = await Hub.start(withHook(example.url));
  t.after(() => hub.stop());
  await hub.case('ann', 'bad', 'Ünïcode 😀');
  await until(() => example.said === 'workflow.bad Ünïcode 😀\n', 'it prints type and title');
  await until(async () => (await hub.get('/v1/acme/deliveries?channel=hooks')).items[0].state === 'delivered', 'taken');
  const forged = await fetch(example.url, { method: 'POST', body: '{"type":"a","data":{}}', headers: { 'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)), 'webhook-signature': 'v1,AAAA' } });
  assert.equal(forged.status, 401);
  assert.equal(example.said, 'workflow.bad Ünïcode 😀\n');
});

test('with another secret everything is refused, and the hub knows', async (t) => {
  const example = await startExample(t, { HOOK_SECRET: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' });
  const hub = await Hub.start(withHook(example.url));
  t.after(() => hub.stop());
  await hub.case('ann', 'bad', 'Not for you');
  const refused = async () => (await hub.get('/v1/acme/deliveries?channel=hooks')).items[0]?.state === 'retrying';
  await until(refused, 'the delivery is refused');
  assert.equal(example.said, '');
});
