// SPDX-License-Identifier: Apache-2.0
// A mail server on a free port that takes everything (RFC 5321, as much as it needs) and keeps it.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { until } from './wait.mjs';

export class Mailbox {
  mails = [];

  static async start() {
    const box = new Mailbox();
    box.server = createServer((socket) => box.serve(socket));
    box.server.listen(0, '127.0.0.1');
    await once(box.server, 'listening');
    return box;
  }

  url() {
    return `smtp://127.0.0.1:${this.server.address().port}`;
  }

  serve(socket) {
    let waiting = '';
    let content = null;
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.write('220 mailbox.test ESMTP\r\n');
    socket.on('data', (text) => {
      waiting += text;
      for (let end = waiting.indexOf('\r\n'); end >= 0; end = waiting.indexOf('\r\n')) {
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + 2);
        if (content === null) {
          if (/^DATA/i.test(line)) content = [];
          socket.write(/^DATA/i.test(line) ? '354 go on\r\n' : /^QUIT/i.test(line) ? '221 bye\r\n' : '250 ok\r\n');
        } else if (line === '.') {
          this.mails.push(content.join('\r\n'));
          content = null;
          socket.write('250 2.0.0 taken\r\n');
        } else {
          content.push(line.replace(/^\./, ''));
        }
      }
    });
  }

  // The newest mail once there are so many of them.
  async wait(count) {
    await until(() => this.mails.length >= count, `${count} mails`);
    return this.mails.at(-1);
  }

  // The path of a mail's unsubscribe page, from its header.
  static unsubscribe(mail) {
    const unfolded = mail.replace(/\r\n[ \t]+/g, ' ');
    return /^List-Unsubscribe: <https?:\/\/[^/]+(\/[^>]+)>/im.exec(unfolded)[1];
  }

  close() {
    this.server.close();
  }
}
