// SPDX-License-Identifier: Apache-2.0
// Receives webhooks and verifies them with the official library: npm install standardwebhooks
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.HOOK_SECRET); // whsec_..., the same as in belfry.yaml
const known = new Set(); // your database, in earnest

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the bytes as they came: parsing and printing again breaks the signature
  try {
    const event = webhook.verify(body, request.headers); // throws: not ours, or older than five minutes
    const id = request.headers['webhook-id'];
    if (!known.has(id)) console.log(event.type, event.data.title);
    known.add(id); // the same id comes again when an answer was lost
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(401).end(error.message);
  }
}).listen(Number(process.env.PORT ?? 8421), '127.0.0.1');
