// SPDX-License-Identifier: Apache-2.0
// Mails of the email plugin without a hub: tests/programs/mail_writer takes and gives a JSON object a line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SOURCES = process.env.BELFRY_SRCDIR ?? fileURLToPath(new URL('../../..', import.meta.url));
const BUILD = process.env.BELFRY_BUILDDIR ?? join(SOURCES, 'build');

export class Writer {
  constructor() {
    this.process = spawn(join(BUILD, 'tests/programs/mail_writer'), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ask(mail) {
    this.process.stdin.write(JSON.stringify(mail) + '\n');
    return JSON.parse((await this.lines.next()).value);
  }

  async stop() {
    this.process.stdin.end();
    await once(this.process, 'exit');
  }
}
