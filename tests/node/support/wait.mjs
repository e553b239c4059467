// SPDX-License-Identifier: Apache-2.0
// Waiting for a condition instead of for a time.
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = Number(process.env.BELFRY_PATIENCE ?? 30) * 1000;

// Calls condition until it gives something true, and gives that back.
export async function until(condition, what, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    const got = await condition();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await sleep(pause);
  }
}
