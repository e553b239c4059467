// SPDX-License-Identifier: Apache-2.0
// Reading and writing rows of an inbox. The store of a page is made by whichever script came first, perhaps a bell that
// only shows its number; a script that does more gives the store these calls. Each throws a Failure. Every answer to a
// write carries numbers, which are applied at once.

const SEEN_MS = 2_000;
const LISTS_KEPT = 4;

// The members of a query, from an address, a URLSearchParams or an object of strings and lists.
export function queryOf(params = '') {
  if (typeof params === 'string' || params instanceof URLSearchParams) return new URLSearchParams(params);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== '') query.append(name, one);
  return query;
}

const row = (id) => `/notifications/${encodeURIComponent(id)}`;

const calls = {
  async write(path, body, keepalive = false) {
    const { data } = await this.json(path, { method: 'POST', body, keepalive });
    if (data && 'rev' in data) {
      this.apply(data);
      this.stream?.tell({ hint: { rev: data.rev, unread: data.unread } });
    }
    return data;
  },

  // {rev, total, items, facets, next}; the very object of last time when nothing has changed.
  async list(params) {
    const query = queryOf(params).toString();
    const known = this.lists.get(query);
    const headers = known ? { 'if-none-match': known.tag } : {};
    const { response, data } = await this.json(`/notifications${query && `?${query}`}`, { headers });
    this.lists.delete(query);
    const answer = data ? { tag: response.headers.get('etag'), data } : known;
    this.lists.set(query, answer);
    if (this.lists.size > LISTS_KEPT) this.lists.delete(this.lists.keys().next().value);
    return answer.data;
  },

  one(id) {
    return this.json(row(id)).then(({ data }) => data);
  },

  // what: read, unread, hide, unhide. {rev, unread}. keepalive: also when the page is being left
  mark(id, what, keepalive = false) {
    return this.write(`${row(id)}/${what}`, {}, keepalive);
  },

  // {action, ids} or {action, filter, as_of_rev}. {rev, unread, changed, failed, undo}
  bulk(body) {
    return this.write('/notifications/bulk', body);
  },

  undo(op) {
    return this.write('/notifications/undo', { op });
  },

  act(id, action, comment) {
    return this.write(`${row(id)}/actions/${encodeURIComponent(action)}`, comment ? { comment } : {});
  },

  // Rows that were looked at; sent together, at most every two seconds.
  seen(ids) {
    for (const id of ids) if (!this.sentSeen.has(id)) this.pendingSeen.add(id);
    if (this.pendingSeen.size) this.seeing ??= setTimeout(() => this.flushSeen(), SEEN_MS);
  },

  flushSeen() {
    clearTimeout(this.seeing);
    this.seeing = null;
    const ids = [...this.pendingSeen];
    this.pendingSeen.clear();
    if (!ids.length || this.state === 'signed_out') return;
    for (const id of ids) this.sentSeen.add(id);
    const forget = () => ids.forEach((id) => this.sentSeen.delete(id)); // they are looked at another time
    this.json('/notifications/seen', { method: 'POST', keepalive: true, body: { ids } }).catch(forget);
  },
};

// The store, with the calls; those of the first script stay.
export function equip(store) {
  if (store.list) return store;
  return Object.assign(store, calls, { lists: new Map(), pendingSeen: new Set(), sentSeen: new Set() });
}
