// SPDX-License-Identifier: Apache-2.0
// What only a script can add to the portal: copying a secret, and looking again for the attempt of a test, a few times.
import { copying } from '../../site/assets/copy.js';

const LOOKS = 10;

function lookAgain(line) {
  const key = `belfry.portal.${location.search}`;
  const looks = Number(sessionStorage.getItem(key) ?? 0);
  if (looks >= LOOKS) return;
  sessionStorage.setItem(key, String(looks + 1));
  setTimeout(() => location.reload(), Number(line.dataset.again));
}

for (const button of document.querySelectorAll('[data-copy]')) copying(button);
for (const line of document.querySelectorAll('[data-again]')) lookAgain(line);
