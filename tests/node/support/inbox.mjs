// SPDX-License-Identifier: Apache-2.0
// What tests of the inbox page share: when its script is there, what it says aloud, what it asks the hub.
import { signIn } from './browser.mjs';

// Signed in, with the script running, and a log of everything that the live regions say.
export async function openInbox(browser, hub, person, { query = '', prepare, ...options } = {}) {
  const page = await signIn(browser, hub, person, { viewport: { width: 1280, height: 800 }, ...options });
  await prepare?.(page);
  if (query || prepare) await page.goto(`${hub.url}/acme/notifications${query}`);
  await scripted(page);
  return page;
}

export async function scripted(page) {
  await page.locator('#inbox[data-ready]').waitFor();
  await page.evaluate(() => {
    window.said = [];
    for (const id of ['status', 'alert']) {
      const region = document.getElementById(id);
      new MutationObserver(() => window.said.push([id, region.textContent.trim()]))
        .observe(region, { childList: true, characterData: true, subtree: true });
    }
  });
}

export const said = (page) => page.evaluate(() => window.said.splice(0));
// The same where a test moves the page's time, which goes faster than the hub then: without that the list is loading.
export const told = async (page) => (await said(page)).filter(([, text]) => text !== 'Loading…');
export const titles = (page) => page.locator('.row .title').allTextContents();
export const row = (page, title) => page.locator('.row', { has: page.getByRole('link', { name: title, exact: true }) });
export const selected = (page) => page.locator('.row:has(input:checked) .title').allTextContents();

const isList = (response) =>
  response.request().method() === 'GET' && /\/v1\/acme\/notifications(\?|$)/.test(response.url());

// Does it, and waits until the list has been asked for afterwards and is shown.
export async function relisted(page, act) {
  const listed = page.waitForResponse(isList);
  await act();
  await listed; // finished() would never come for a 304
  await page.locator('#inbox[aria-busy=false]').waitFor();
}

// Where the focus is: "row title / column", or the element's id, name or text.
export function focus(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    const row = at.closest('tr[data-rev]');
    if (row) return `${row.querySelector('.title').textContent} / ${at.closest('td, th').cellIndex}`;
    return at.id || at.value || at.textContent.trim() || at.tagName;
  });
}
