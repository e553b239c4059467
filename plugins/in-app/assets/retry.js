// SPDX-License-Identifier: Apache-2.0
// When the hub wants to be asked again.

// Retry-After in ms, 0 when there is none that is a number.
export function retryAfter(response) {
  const seconds = Number(response.headers.get('retry-after'));
  return seconds > 0 ? seconds * 1000 : 0;
}
