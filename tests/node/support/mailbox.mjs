// SPDX-License-Identifier: Apache-2.0
// docs/examples/mailbox.py on a free port, and the mails that it keeps.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './wait.mjs';

const SOURCES = process.env.BELFRY_SRCDIR ?? fileURLToPath(new URL('../../..', import.meta.url));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

export class Mailbox {
  static async start() {
    const mailbox = new Mailbox(await freePort());
    await until(() => answers(mailbox.port), 'the mailbox listens');
    return mailbox;
  }

  constructor(port) {
    this.port = port;
    this.root = mkdtempSync(join(tmpdir(), 'belfry-mailbox-'));
    this.kept = join(this.root, 'mail');
    this.said = '';
    this.process = spawn('python3', [join(SOURCES, 'docs/examples/mailbox.py'), String(port), this.kept],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process.stdout.setEncoding('utf8').on('data', (text) => { this.said += text; });
  }

  url = () => `smtp://127.0.0.1:${this.port}`;

  // The bytes of every mail whose line was printed, oldest first.
  mails() {
    if (!existsSync(this.kept)) return [];
    const printed = this.said.split('\n').length - 1;
    return readdirSync(this.kept).sort().slice(0, printed).map((name) => readFileSync(join(this.kept, name)));
  }

  wait = (count = 1) => until(() => this.mails().length >= count && this.mails(), `${count} mails`);

  async stop() {
    this.process.kill();
    await once(this.process, 'exit');
    rmSync(this.root, { recursive: true, force: true });
  }
}
