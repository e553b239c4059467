// SPDX-License-Identifier: Apache-2.0
// Makes nodes without markup in strings: pages that enforce Trusted Types allow nothing else.

// Attributes that are functions listen to the event of their name; false and null are left out, true is empty.
export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? '' : value);
  made.append(...children);
  return made;
}

export function drawing(path) {
  const [svg, line] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('part', 'icon');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

// A constructed sheet needs no 'unsafe-inline' of a page's policy.
export function sheetOf(rules) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  return sheet;
}
