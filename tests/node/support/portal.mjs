// SPDX-License-Identifier: Apache-2.0
// A hub with a portal, an application that makes links to it, a receiver of what endpoints are sent, and a browser in
// which integrators come by such links.
import assert from 'node:assert/strict';
import { launch, leave, open } from './browser.mjs';
import { Hub, baseConfig, bearer } from './hub.mjs';
import { Receiver } from './receiver.mjs';

export const NO_SCRIPT = { javaScriptEnabled: false };
export const SECRET = 'token-of-the-application-with-customers';

export const press = (page, name) => leave(page, () => page.getByRole('button', { name, exact: true }).click());
export const follow = (page, name) => leave(page, () => page.getByRole('link', { name, exact: true }).first().click());

export class Portal {
  static async start(change = () => {}) {
    const portal = new Portal();
    const config = baseConfig();
    config.auth.tokens.push({ name: 'shop', org: 'acme', secret: SECRET, may: ['endpoints:own'] });
    config.orgs.acme.users.ada = { name: 'Ada Admin', roles: ['admin'] };
    portal.receiver = await Receiver.start(200);
    config.channels.hooks = {
      plugin: 'webhook', allow_cidrs: ['127.0.0.0/8'], schedule: ['0s'],
      endpoints: [{ name: 'from-file', url: portal.receiver.url('/file'), secret: '${env:NODE_TEST_HOOK}' }],
    };
    config.rules.push({ name: 'hooks', when: {}, deliver: ['hooks'] });
    change(config);
    [portal.hub, portal.browser] = await Promise.all([Hub.start(config), launch()]);
    return portal;
  }

  async stop() {
    await this.browser?.close();
    await this.hub?.stop();
    await this.receiver?.stop();
  }

  // What the API answers the application, which must be well.
  async call(method, path, body, headers = {}) {
    const response = await this.ask(method, path, body, headers);
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  ask(method, path, body, headers = {}) {
    return fetch(`${this.hub.url}/v1/acme${path}`, {
      method, headers: { ...bearer(SECRET), ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body && JSON.stringify(body),
    });
  }

  // A page of a browser that came by a link for this customer.
  async visit(owner, options = NO_SCRIPT) {
    const { url } = await this.call('POST', '/portal-links', { owner });
    const link = new URL(url);
    const page = await open(this.browser, options);
    assert.equal((await page.goto(this.hub.url + link.pathname + link.search)).status(), 200);
    assert.equal(new URL(page.url()).pathname, '/acme/endpoints');
    return page;
  }

  // An endpoint of this customer, by the form; the page that shows it, and its id.
  async add(page, path, fill = async () => {}) {
    await page.goto(`${this.hub.url}/acme/endpoints/new`);
    await page.getByLabel('URL', { exact: true }).fill(this.receiver.url(path));
    await fill();
    await press(page, 'Save');
    const secret = await page.getByLabel('Signing secret').inputValue();
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=/);
    await follow(page, 'To the endpoint');
    return { secret, id: page.url().split('/').pop() };
  }

  // The address of one of its pages.
  at(path) {
    return `${this.hub.url}/acme/endpoints${path}`;
  }
}
