// SPDX-License-Identifier: Apache-2.0
// The inbox page: finds its parts and joins them. Everything here works without it, by links and one form; this takes
// over what they do, one by one, so that nothing has to be loaded anew.
import { backoff } from './live.js';
import { equip } from './calls.js';
import { make, Speaker, Words } from './words.js';
import { columnOf, Rows, titleOf } from './row.js';
import { cellFocus, List } from './list.js';
import { Selection } from './select.js';
import { Actions } from './actions.js';
import { Filters } from './filters.js';
import { Banners, Weather } from './notices.js';
import { Seen } from './seen.js';
import { Keys } from './keys.js';
import { roving } from './roving.js';

// The store is the bell's, which comes first in every page and has registered it.
const connectStore = globalThis[Symbol.for('belfry.connect')];
const SETTLE_MS = 200; // several hints and answers that come together are one question
const AGE_MS = 60_000;
const RETRY = { base: 5000, max: 600_000 };
const TOOLS = 'read-selected unread-selected hide-selected read-all hide-all'.split(' ');
const TOOLS_HIDDEN = 'read-selected unread-selected unhide-selected unhide-all'.split(' ');

function startInbox(section) {
  const find = (selector) => section.querySelector(selector);
  const words = new Words(find('#texts').dataset, document.body.dataset);
  const speaker = new Speaker(find('#status'), find('#alert'));
  const banners = new Banners(find('#banners'));
  const store = equip(connectStore({ base: section.dataset.base, live: 'sse' }));
  const toolbar = find('#toolbar');
  const heading = find('#heading');

  // What the parts share: each is given those that were there before it.
  const page = { section, words, speaker, banners, store, reload };
  const maker = page.maker = new Rows(page);
  const filters = page.filters = new Filters(page);
  const list = page.list = new List(page);
  filters.listen(list);
  const selection = page.selection = new Selection(page);
  const actions = page.actions = new Actions(page);
  const weather = new Weather(page);
  const settleToolbar = roving(toolbar);
  new Seen(page);

  // --- what few need is fetched when it is asked for

  const part = (file) => {
    let made;
    return async (use) => {
      made ??= import(new URL(file, import.meta.url)).then((module) => new module.Part(page));
      try {
        use(await made);
      } catch {
        made = null;
        speaker.warn(words.say('failed', words.say('reason_offline')));
      }
    };
  };
  const refresh = part('refresh.js');
  const help = part('help.js');
  const acts = part('act.js');

  // --- the list follows the hub

  let due = null, failures = 0;
  async function reload(insert = false) {
    clearTimeout(due);
    try {
      return await list.load({ insert });
    } catch (failure) {
      weather.failed(failure);
      if (failure.status !== 401) later(failure.wait);
      return null;
    }
  }
  // The number may be had where the list is not: then nobody else asks again.
  function later(wait = 0) {
    clearTimeout(due);
    due = setTimeout(() => (document.hidden ? later() : reload()), Math.max(wait, backoff(failures++, RETRY)));
  }
  store.addEventListener('change', ({ detail }) => {
    if (detail.rev === list.seenRev && !detail.again) return;
    clearTimeout(due);
    due = setTimeout(reload, SETTLE_MS);
  });
  list.addEventListener('shown', ({ detail: { data } }) => {
    list.seenRev = data.rev;
    failures = 0;
    weather.listed();
    if (list.pending)
      banners.set('new', '', make('button', { type: 'button', onclick: showNew }, words.count('show_new', list.pending)));
    else banners.clear('new');
    tools();
  });
  async function showNew() {
    const count = list.pending;
    const data = await reload(true);
    if (!data) return;
    list.focus(list.body.rows[0]);
    speaker.tell(words.count('shown_new', count));
  }

  // --- numbers: the title, the heading and the elements show what the store says

  function number() {
    const { unread } = store;
    if (unread === null) return;
    const title = document.title.replace(/^\([^)]*\) /, '');
    document.title = unread ? `(${words.number.format(unread)}) ${title}` : title;
    find('#count').textContent = unread ? words.count('unread', unread) : words.say('none_unread');
    section.dataset.unread = unread;
    tools();
  }
  store.addEventListener('count', number);
  number();

  // --- the toolbar

  function tools() {
    const values = list.hidden ? TOOLS_HIDDEN : TOOLS;
    const last = find('button[value=refresh]');
    const known = new Map([...toolbar.querySelectorAll('button[name=do]')].map((button) => [button.value, button]));
    for (const [value, button] of known)
      if (value !== 'refresh' && !values.includes(value)) button.remove();
    for (const value of values) {
      const [what, which] = value.split('-');
      const button = known.get(value) ?? make('button', { name: 'do', value });
      if (!button.isConnected) last.before(button, '\n');
      const plain = which === 'all' && !list.filtered;
      const unread = Math.max(0, (store.unread ?? section.dataset.unread) - list.pending);
      const count = plain && what === 'read' ? unread : list.total;
      button.textContent = which === 'selected' ? words.say(`tools_${what}`)
        : words.count(`tools_${what}_${plain ? 'all' : 'matching'}`, count);
      const off = which === 'selected' ? !selection.rows().length : !count;
      button.ariaDisabled = off || null;
    }
    settleToolbar();
  }
  selection.addEventListener('select', tools);
  const showKeys = () => help((one) => one.open());
  Object.assign(find('#shortcuts'), { hidden: false, onclick: showKeys });

  // --- what the form's buttons do

  find('#act').addEventListener('submit', (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (!button || button.ariaDisabled === 'true') return;
    const [what, id, action] = button.value.split(':');
    const row = id && list.row(id);
    if (what === 'refresh') refresh((one) => one.press());
    else if (what === 'undo') actions.undo(id);
    else if (what === 'act' && row) acts((one) => one.act(row, action, row.querySelector('textarea')?.value.trim()));
    else if (row) actions.mark([row], what);
    else if (what.endsWith('-all')) actions.markMatching(what.slice(0, -4));
    else if (what.endsWith('-selected')) actions.markSelected(what.slice(0, -9));
  });
  const opened = (event) => {
    const link = event.target.closest('a.title');
    if (link && event.button < 2) actions.opened(link.closest('tr'));
  };
  list.body.addEventListener('click', opened);
  list.body.addEventListener('auxclick', opened);

  // --- the keyboard

  const to = (row, target, pick) => {
    const next = pick(row ?? list.body.rows[0]);
    if (next) cellFocus(next, row ? columnOf(target) : 2).focus();
  };
  const openNew = (row) => {
    actions.opened(row);
    open(titleOf(row).href, '_blank', 'noopener');
  };
  // A checkbox that has the focus tells its own state; keys change others.
  const chosen = (change) => {
    change();
    speaker.tell(words.count('selected', selection.rows().length));
  };
  new Keys({
    table: list.table,
    shortcuts: () => section.dataset.shortcuts !== 'off',
    commands: {
      next: (row, target) => to(row, target, (one) => one.nextElementSibling),
      previous: (row, target) => to(row, target, (one) => one.previousElementSibling),
      first: (row, target) => to(row, target, () => list.body.firstElementChild),
      last: (row, target) => to(row, target, () => list.body.lastElementChild),
      open: (row) => row && titleOf(row).click(),
      open_new: (row) => row && openNew(row),
      select: (row) => row && chosen(() => selection.toggle(row)),
      range: (row) => row && chosen(() => selection.toggle(row, true)),
      hide: (row) => actions.markSelected(list.hidden ? 'unhide' : 'hide', row),
      read: (row) => actions.markSelected('read', row),
      unread: (row) => actions.markSelected('unread', row),
      all: () => chosen(() => selection.setAll(true)),
      none: () => chosen(() => selection.setAll(false)),
      undo: () => actions.undo(),
      search: () => find('#q').focus(),
      help: () => help((one) => one.open()),
      refresh: () => refresh((one) => one.press()),
      inbox: () => {
        if (location.search) location.assign(location.pathname);
        else heading.focus();
      },
      escape: () => (selection.rows().length ? chosen(() => selection.setAll(false)) : false),
    },
  });

  // --- times go on, where nobody reads them aloud

  setInterval(() => {
    const now = Date.now();
    for (const row of list.all()) maker.age(row.querySelector('time'), now);
  }, AGE_MS);
  tools();
  section.dataset.ready = 'true';
}

const inboxSection = typeof document === 'undefined' ? null : document.getElementById('inbox');
if (inboxSection && connectStore) startInbox(inboxSection);
