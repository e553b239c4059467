// SPDX-License-Identifier: Apache-2.0
// One hub in a directory of its own, on a free port, and short ways to talk to it.
import { spawn, execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Clock } from './clock.mjs';
import { until } from './wait.mjs';

const SOURCES = process.env.BELFRY_SRCDIR ?? fileURLToPath(new URL('../../..', import.meta.url));
const BUILD = process.env.BELFRY_BUILDDIR ?? join(SOURCES, 'build');
const BIN = process.env.BELFRY_BIN ?? join(BUILD, 'belfry');
export const PLUGINS = process.env.BELFRY_PLUGIN_PATH ?? join(BUILD, 'plugins/.libs');
export const FIXTURES = join(BUILD, 'tests/plugins/.libs'); // plugins that tests are made with

export const WEBHOOK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const TOKEN = 'token-of-the-crm-app-and-its-reader';
const JWT_SECRET = 'the host application signs people in with this';
const ENVIRONMENT = { NODE_TEST_JWT: JWT_SECRET, NODE_TEST_TOKEN: TOKEN, NODE_TEST_HOOK: WEBHOOK_SECRET };

// A configuration to start from. Records of the object Case say themselves who is told and how grave they are:
// {fields: {for, kind, name}}.
export function baseConfig() {
  const kinds = { calm: 'info', fine: 'success', odd: 'warning', bad: 'error', worst: 'critical' };
  const rules = Object.entries(kinds).map(([kind, severity]) => ({
    name: kind,
    on: 'both',
    when: { object: 'Case', 'fields.kind': kind },
    notify: {
      to: ['field:for'], title: '{{fields.name}}', severity, category: severity === 'info' ? 'news' : 'trouble',
    },
  }));
  return {
    version: 1,
    hub: {
      listen: '127.0.0.1:0', public_url: 'http://hub.test', timezone: 'Europe/Berlin',
      limits: { disk_floor_bytes: '1MiB' },
    },
    auth: {
      jwt: { hs256: ['${env:NODE_TEST_JWT}'] },
      tokens: [{ name: 'crm', org: 'acme', secret: '${env:NODE_TEST_TOKEN}', may: ['trigger:*', 'read', 'admin'] }],
    },
    orgs: {
      acme: { users: { ann: { name: 'Ann Lee', roles: ['sales-manager'] }, bob: { name: 'Bob Meyer' }, carl: {} } },
    },
    categories: { news: { label: 'News' }, trouble: { label: 'Trouble' } },
    sources: { crm: { plugin: 'workflow', rules } },
    channels: { inbox: { plugin: 'in-app' } },
    rules: [{ name: 'inbox-first', when: {}, deliver: ['inbox'] }],
    unmatched: { deliver: ['inbox'] },
  };
}

// The same with a webhook to `url` that gets everything.
export function withHook(url, options = {}) {
  const config = baseConfig();
  const endpoint = { name: 'local', url, secret: '${env:NODE_TEST_HOOK}' };
  config.channels.hooks = { plugin: 'webhook', allow_cidrs: ['127.0.0.0/8'], endpoints: [endpoint], ...options };
  config.rules.push({ name: 'hooks', when: {}, deliver: ['hooks'] });
  return config;
}

// A JWT as the host application would sign it (RFC 7519, HS256).
export function mint(sub, claims = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { sub, org: 'acme', exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}

export const bearer = (secret) => ({ authorization: `Bearer ${secret}` });

export class Hub {
  // clock: time is the test's, hub.clock
  static async start(config = baseConfig(), { clock = false } = {}) {
    const hub = new Hub(config, clock);
    try {
      hub.url = await until(() => hub.address(), 'the hub listens');
      await until(async () => (await fetch(`${hub.url}/readyz`)).status === 200, 'the hub is ready');
    } catch (error) {
      await hub.discard();
      throw new Error(`${error.message}\n${hub.log}`);
    }
    return hub;
  }

  token = TOKEN;

  constructor(config, clock) {
    // paths of sockets are short
    this.root = mkdtempSync(join(tmpdir(), 'belfry-'));
    this.file = join(this.root, 'belfry.yaml');
    // JSON is YAML
    writeFileSync(this.file, JSON.stringify({ ...config, hub: { data_dir: join(this.root, 'data'), ...config.hub } }));
    this.env = { ...process.env, ...ENVIRONMENT, BELFRY_PLUGIN_PATH: PLUGINS };
    this.log = '';
    const socket = join(this.root, 'clock.sock');
    this.clock = clock ? new Clock(socket) : null;
    this.process = spawn(BIN, ['run', '-c', this.file, ...(clock ? ['--clock', socket] : [])], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = once(this.process, 'exit');
    this.process.on('error', () => {});
    this.ended.catch(() => {});
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.setEncoding('utf8').on('data', (text) => { this.log += text; });
  }

  // Changes the configuration, and waits until it is the one in force.
  async reload(change) {
    const config = JSON.parse(readFileSync(this.file, 'utf8'));
    change(config);
    writeFileSync(this.file, JSON.stringify(config));
    const before = this.log.length;
    this.process.kill('SIGHUP');
    await until(() => /reload by signal ended/.test(this.log.slice(before)), 'the configuration is read again');
  }

  address() {
    if (this.process.exitCode !== null) throw new Error(`the hub ended with ${this.process.exitCode}`);
    const found = /address(?:="?|": ?")([0-9.]+:[0-9]+)/.exec(this.log);
    return found && `http://${found[1]}`;
  }

  // A graceful stop ends with 0.
  async stop() {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 20_000);
    this.clock?.close();
    this.process.kill('SIGTERM');
    const [code, signal] = await this.ended;
    clearTimeout(timer);
    rmSync(this.root, { recursive: true, force: true });
    if (code !== 0) throw new Error(`SIGTERM ended the hub with ${code ?? signal}:\n${this.log.slice(-6000)}`);
  }

  async discard() {
    this.clock?.close();
    this.process.kill('SIGKILL');
    await this.ended.catch(() => {});
    rmSync(this.root, { recursive: true, force: true });
  }

  triggers(source = 'crm') {
    return `${this.url}/v1/acme/sources/${source}/triggers`;
  }

  // One event, which has to be accepted.
  async send(type, data, source = 'crm', attributes = {}) {
    const id = randomBytes(8).toString('hex');
    const response = await fetch(this.triggers(source), {
      method: 'POST',
      headers: { ...bearer(TOKEN), 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ specversion: '1.0', id, source: '/tests', type, ...attributes, data }),
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text).accepted[0];
  }

  // A Case for this person; the record.
  async case(person, kind, name, more = {}) {
    const id = randomBytes(4).toString('hex');
    const url = `https://crm.example/cases/${id}`;
    const fields = { for: person, kind, name };
    const record = { object: 'Case', id, url, owner: 'carl', created_by: 'carl', fields, ...more };
    await this.send('record.created', { record });
    return record;
  }

  async get(path, headers = bearer(TOKEN)) {
    const response = await fetch(this.url + path, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async inbox(person, query = '?read=all') {
    return (await this.get(`/v1/acme/notifications${query}`, bearer(mint(person)))).items;
  }

  // A subcommand that asks this hub; what it printed.
  async belfry(command, ...args) {
    const options = { env: this.env, timeout: 20_000 };
    return (await promisify(execFile)(BIN, [command, '-c', this.file, ...args], options)).stdout;
  }

  // What `belfry login-link` prints, on the address that the hub really has.
  async loginLink(user) {
    const stdout = await this.belfry('login-link', '--org', 'acme', '--user', user);
    const link = new URL(stdout.trim());
    if (link.origin !== 'http://hub.test') throw new Error(`not a link to public_url: ${stdout}`);
    return this.url + link.pathname + link.search;
  }
}
