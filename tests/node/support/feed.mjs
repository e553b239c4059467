// SPDX-License-Identifier: Apache-2.0
// A system that serves its events as a feed: GET ?after=CURSOR&limit=N. `gate` is a promise that answers wait for.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Feed {
  static async start() {
    const feed = new Feed();
    feed.server.listen(0, '127.0.0.1');
    await once(feed.server, 'listening');
    return feed;
  }

  constructor() {
    this.events = [];
    this.asked = 0;
    this.status = 200;
    this.gate = Promise.resolve();
    this.server = createServer(async (request, response) => {
      const query = new URL(request.url, 'http://feed.test').searchParams;
      this.asked += 1;
      await this.gate;
      const at = Number(query.get('after'));
      const page = this.events.slice(at, at + Number(query.get('limit')));
      response.writeHead(this.status, {
        'content-type': 'application/cloudevents-batch+json', 'belfry-cursor': String(at + page.length),
      });
      response.end(JSON.stringify(page));
    });
  }

  // Answers wait until the function that is given back was called
  close() {
    let open;
    this.gate = new Promise((resolve) => { open = resolve; });
    return open;
  }

  option(org = 'acme') {
    return { url: `http://127.0.0.1:${this.server.address().port}/events`, every: '1d', org };
  }

  add(type, data) {
    const id = `of-the-feed-${this.events.length}`;
    this.events.push({ specversion: '1.0', id, source: '/feed', type, data });
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
