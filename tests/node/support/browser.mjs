// SPDX-License-Identifier: Apache-2.0
// A browser, and people who are signed in with it. Everything a page complains about is kept.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  return chromium.launch({
    executablePath: process.env.BELFRY_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// A page in a context of its own. page.complaints: errors of the console and of scripts, and what could not be loaded.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  // a request that was under way when the page was left is no fault of ours
  page.on('requestfailed', (request) => {
    const why = request.failure().errorText;
    if (why !== 'net::ERR_ABORTED') page.complaints.push(`${request.url()} ${why}`);
  });
  return page;
}

// The same, signed in through the link that `belfry login-link` prints, at the inbox.
export async function signIn(browser, hub, person, options) {
  const page = await open(browser, options);
  await page.goto(await hub.loginLink(person));
  return page;
}

// From the next page on time stands still for this one until the test moves it: page.clock.runFor.
export async function stopTime(page) {
  const now = Date.now();
  await page.clock.install({ time: now });
  await page.clock.pauseAt(now + 1000);
}

// Does what leads to another page and waits until that page is there. A key does not wait for it at all, and a click only
// until its first bytes have come.
export async function leave(page, act) {
  await Promise.all([page.waitForEvent('load'), act()]);
}

// What axe-core finds, as lines that say where and what.
export async function faults(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    rules: { 'target-size': { enabled: true } },
    resultTypes: ['violations'],
  }));
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\s+/g, ' ')}`));
}

// How pages are looked at: both widths and both themes, in every pair and in more of them with --long.
const LIGHT = { colorScheme: 'light', forcedColors: 'none' };
const DARK = { colorScheme: 'dark', forcedColors: 'none' };
const LOOKS = process.env.BELFRY_LONG
  ? [1280, 800, 320].flatMap((width) => [LIGHT, DARK, { ...LIGHT, forcedColors: 'active' }].map((theme) => ({ width, theme })))
  : [{ width: 1280, theme: LIGHT }, { width: 320, theme: DARK }];

// What axe-core finds on a page in each look, and where it has to be scrolled sideways, as lines.
export async function flaws(page) {
  const found = [];
  for (const { width, theme } of LOOKS) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ reducedMotion: 'reduce', ...theme });
    const where = `${width} ${Object.values(theme).join(' ')}: `;
    found.push(...(await faults(page)).map((fault) => where + fault));
    const { wide, seen } = await page.evaluate(() =>
      ({ wide: document.scrollingElement.scrollWidth, seen: document.documentElement.clientWidth }));
    if (wide > seen) found.push(`${where}${wide} wide`);
  }
  return found;
}
