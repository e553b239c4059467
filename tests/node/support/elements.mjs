// SPDX-License-Identifier: Apache-2.0
// Pages of an application with elements in them, and what these say to it.
import { open, stopTime } from './browser.mjs';
import { mint } from './hub.mjs';

export const tag = (name, more = '') => `<belfry-${name} src="/v1/acme" auth="token" ${more}></belfry-${name}>`;
export const heard = (page, name) =>
  page.evaluate((wanted) => window.heard.filter((one) => one.name === wanted), name);

// A page at the hub's origin with this body, for `person`. What the elements say is kept in window.heard. Those with
// auth="token" share window.getToken, which give(token) makes anew.
// clock: time stands still until the test moves it, that of requests too. prepare: is given the page before it is loaded.
// page: a tab that is there already.
export async function host(browser, hub, person, body, options = {}) {
  const { options: context, head = '', html = 'lang="en"', clock = false, prepare, page: there } = options;
  const page = there ?? await open(browser, context);
  if (clock) {
    await stopTime(page);
    await page.addInitScript(() => {
      AbortSignal.timeout = (ms) => {
        const cut = new AbortController();
        setTimeout(() => cut.abort(), ms);
        return cut.signal;
      };
    });
  }
  await page.addInitScript((token) => {
    window.heard = [];
    for (const name of ['ready', 'count', 'open', 'close', 'activate', 'action', 'auth', 'error'])
      document.addEventListener(`belfry-${name}`, ({ detail, target }) => {
        window.heard.push({ name, from: target.localName, ...detail });
      });
    window.give = (token) => { window.getToken = async () => token; };
    window.give(token);
  }, mint(person));
  await prepare?.(page);
  const scripts = ['bell', 'feed', 'tile'].map((name) =>
    `<script type="module" src="/assets/in-app/${name}.js"></script>`);
  await page.route(`${hub.url}/app`, (route) => route.fulfill({
    contentType: 'text/html',
    body: `<!doctype html><html ${html}><head><meta charset="utf-8"><title>App</title>${head}${scripts.join('')}
      <script type="module">
      for (const one of document.querySelectorAll('[auth=token]')) one.getToken = getToken;</script>
      </head><body><main><h1>App</h1>${body}</main></body></html>`,
  }));
  await page.goto(`${hub.url}/app`);
  return page;
}

// The stores that the elements of a page use: how many; whether hints are heard; whether this tab reads the stream.
const asStores = (page, what) => page.evaluate((which) => {
  const all = [...globalThis[Symbol.for('belfry.stores')].values()].flatMap((of) => [...of.values()]);
  return which ? all.some(({ stream }) => stream?.[which]) : all.length;
}, what);
export const stores = (page) => asStores(page);
export const streaming = (page) => asStores(page, 'open');
export const leading = (page) => asStores(page, 'leading');
