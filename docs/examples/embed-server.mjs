// The application's side, without a library: serves embed.html, embed.css and embed.js, and signs tokens.
// BELFRY_JWT_SECRET=... node embed-server.mjs
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const HUB = process.env.BELFRY_URL ?? 'https://hub.example';
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript' };
const POLICY = `default-src 'self'; script-src 'self' ${HUB}; connect-src 'self' ${HUB}; require-trusted-types-for 'script'`;

function sign(person) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 15 * 60;
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: person, org: 'acme', exp })}`;
  return `${text}.${createHmac('sha256', process.env.BELFRY_JWT_SECRET).update(text).digest('base64url')}`;
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.method === 'POST' && pathname === '/belfry-token') {
    // whoever your session says; never what the browser says
    response.end(sign('ann'));
    return;
  }
  const name = pathname === '/' ? 'embed.html' : pathname.slice(1);
  const ending = /^embed\.(html|css|js)$/.exec(name)?.[1];
  if (!ending) {
    response.writeHead(404).end();
    return;
  }
  const text = await readFile(new URL(name, import.meta.url), 'utf8');
  response.setHeader('content-type', TYPES[ending]);
  response.setHeader('content-security-policy', POLICY);
  response.end(text.replaceAll('https://hub.example', HUB));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
