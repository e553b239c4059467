// SPDX-License-Identifier: Apache-2.0
// A filter as an address writes it: members in one order, defaults left out, as the hub does it too.

const SEVERITIES = ['critical', 'error', 'warning', 'success', 'info'];
export const FACETS = ['severity', 'category', 'source'];
export const DEFAULTS = { status: 'active', read: 'all' };

// The one way to write this filter. get(name): all values.
export function canonical(get) {
  const query = new URLSearchParams();
  const put = (name, values) => values.forEach((value) => query.append(name, value));
  const first = (name, none) => put(name, get(name).filter((one) => one && one !== none).slice(0, 1));
  first('q');
  const severities = new Set(get('severity'));
  put('severity', SEVERITIES.filter((one) => severities.has(one)));
  for (const name of ['category', 'source']) put(name, [...new Set(get(name))].sort());
  for (const name of ['status', 'read', 'before']) first(name, DEFAULTS[name]);
  return query;
}

// The same filter, as somebody else wrote it.
export const of = (params) => canonical((name) => params.getAll(name));
