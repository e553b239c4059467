// SPDX-License-Identifier: Apache-2.0
// A hub for one test file: written, started, stopped; and short ways to talk to it.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.env.BELFRY_SRCDIR ?? resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.BELFRY_BUILDDIR ?? join(root, 'build');
const binary = process.env.BELFRY_BIN ?? join(build, 'belfry');
const plugins = process.env.BELFRY_PLUGIN_PATH ?? join(build, 'plugins/.libs');
const patience = 30000;

export const jwtSecret = 'the host application signs people in with this';
export const triggerToken = 'token-of-the-crm-app';
export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export async function until(condition, what) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await condition();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

const b64 = (value) => Buffer.from(value).toString('base64url');

// HS256, as a host application makes it.
export function jwt(claims) {
  const body = { exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  const text = `${b64('{"alg":"HS256","typ":"JWT"}')}.${b64(JSON.stringify(body))}`;
  return `${text}.${createHmac('sha256', jwtSecret).update(text).digest('base64url')}`;
}

// An endpoint that keeps what it got. answers: statuses, the last one repeats.
export async function receiver(...answers) {
  const got = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      got.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(answers.length > 1 ? answers.shift() : answers[0] ?? 200).end();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    got,
    wait: (count) => until(() => got.length >= count && got, `${count} deliveries`),
    close: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }),
  };
}

function configuration(dir, endpoints) {
  const kinds = [['calm', 'info', 'news'], ['fine', 'success', 'news'], ['odd', 'warning', 'trouble'],
    ['bad', 'error', 'trouble'], ['worst', 'critical', 'trouble']];
  const rules = kinds.map(([name, severity, category]) => ({
    name, on: 'both', when: { object: 'Case', 'fields.kind': name },
    notify: { to: ['field:for'], title: '{{fields.name}}', body: '{{fields.text}}', severity, category },
  }));
  const hooks = { plugin: 'webhook', allow_cidrs: ['127.0.0.0/8'], endpoints };
  return {
    version: 1,
    hub: { listen: '127.0.0.1:0', public_url: 'http://hub.test', data_dir: join(dir, 'data'), plugin_path: plugins,
      timezone: 'Europe/Berlin', limits: { disk_floor_bytes: '1MiB' } },
    auth: { jwt: { hs256: [jwtSecret] },
      tokens: [{ name: 'crm', org: 'acme', secret: triggerToken, may: ['trigger:*', 'read'] }] },
    orgs: { acme: { users: { ann: { name: 'Ann Lee', roles: ['sales-manager'] }, bob: { name: 'Bob Meyer' } } } },
    categories: { news: { label: 'News' }, trouble: { label: 'Trouble' } },
    sources: { crm: { plugin: 'workflow', rules }, erp: { plugin: 'workflow', rules } },
    channels: { inbox: { plugin: 'in-app' }, ...(endpoints.length ? { hooks } : {}) },
    rules: [{ name: 'inbox', when: {}, deliver: endpoints.length ? ['inbox', 'hooks'] : ['inbox'] }],
    unmatched: { deliver: ['inbox'] },
  };
}

export class Hub {
  static async start({ endpoints = [] } = {}) {
    const hub = new Hub();
    hub.dir = mkdtempSync(join(tmpdir(), 'belfry-'));
    hub.logPath = join(hub.dir, 'hub.log');
    hub.configPath = join(hub.dir, 'belfry.yaml');
    writeFileSync(hub.configPath, JSON.stringify(configuration(hub.dir, endpoints), null, 1)); // JSON is YAML
    const log = openSync(hub.logPath, 'w');
    hub.process = spawn(binary, ['run', '-c', hub.configPath], { stdio: ['ignore', log, log] });
    closeSync(log);
    hub.ended = new Promise((done) => hub.process.on('exit', (code, signal) => done(code ?? signal)));
    hub.url = await until(() => {
      if (hub.process.exitCode !== null) throw new Error(hub.log());
      return hub.log().match(/address=(127\.0\.0\.1:\d+)/)?.[1];
    }, 'the hub listens').then((address) => `http://${address}`);
    await until(async () => (await fetch(`${hub.url}/readyz`)).ok, 'the hub is ready');
    return hub;
  }

  log() {
    return readFileSync(this.logPath, 'utf8');
  }

  // The exit code; 0 when all went well.
  async stop() {
    this.process.kill('SIGTERM');
    const code = await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
    return code;
  }

  triggers(source = 'crm') {
    return `${this.url}/v1/acme/sources/${source}/triggers`;
  }

  async post(event, { source = 'crm' } = {}) {
    const batch = Array.isArray(event) ? '-batch' : '';
    const response = await fetch(this.triggers(source), {
      method: 'POST', body: JSON.stringify(event),
      headers: { authorization: `Bearer ${triggerToken}`,
        'content-type': `application/cloudevents${batch}+json; charset=utf-8` },
    });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()).accepted;
  }

  async inbox(who, query = '') {
    const response = await fetch(`${this.url}/v1/acme/notifications${query}`,
      { headers: { authorization: `Bearer ${jwt({ sub: who, org: 'acme' })}` } });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.json();
  }

  // A link that signs a person in once, for the address that the hub really has.
  loginLink(user, next) {
    const link = `${this.url}/acme/session?token=${jwt({ sub: user, org: 'acme', jti: `${Math.random()}` })}`;
    return next ? `${link}&next=${next}` : link;
  }
}

let number = 0;

// A record that tells one person one thing.
export function caseFor(who, kind, name, { text = '', id = `case-${++number}` } = {}) {
  const record = { object: 'Case', id, url: `https://crm.example/cases/${id}`, owner: 'carl', created_by: 'carl',
    fields: { for: who, kind, name, text } };
  return { specversion: '1.0', id: `${id}-${++number}`, source: '/tests', type: 'record.created', data: { record } };
}
