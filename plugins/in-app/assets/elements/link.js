// SPDX-License-Identifier: Apache-2.0
import { node } from './dom.js';

// A link of an element (`host`) that the page's own router may take over. item: what it opens, if that is a row.
export function link(host, attributes, href, item, ...children) {
  const target = host.getAttribute('target');
  return node('a', {
    ...attributes, href, target, rel: target && 'noopener',
    click: (event) => {
      const plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
      if (plain && !host.emit('activate', { id: item?.id ?? null, href, item: item ?? null })) event.preventDefault();
      host.activated?.(item, plain);
    },
  }, ...children);
}
