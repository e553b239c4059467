// SPDX-License-Identifier: Apache-2.0
// An HTTP server of the outside world: keeps what it was sent, byte for byte, and answers as it is told.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { until } from './wait.mjs';

export class Receiver {
  // answers: statuses in turn, the last one repeats
  static async start(...answers) {
    const receiver = new Receiver(answers);
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  constructor(answers) {
    this.answers = answers.length ? answers : [200];
    this.requests = [];
    this.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url, headers, rawHeaders } = request;
      this.requests.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks) });
      const status = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
      response.end(method === 'GET' ? '<!doctype html><title>Outside</title><p>The thing itself' : '');
    });
  }

  url(path = '/hook') {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  // At least so many; all of them.
  async wait(count) {
    await until(() => this.requests.length >= count, `${count} requests arrive`);
    return this.requests;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
