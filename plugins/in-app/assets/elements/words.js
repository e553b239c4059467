// SPDX-License-Identifier: Apache-2.0
// What the elements say, in English and German; a page puts its own in place with the property `messages`. A list
// holds the forms for one and for others.
const languages = {
  en: {
    title: 'Notifications', unread: ['{0} unread notification', '{0} unread notifications'], count: '{0} unread',
    new: 'Unread', all: 'All notifications', read: 'Mark all as read', hide: 'Hide', undo: 'Undo',
    done: 'Done', more: 'Show {0} new', empty: 'You’re all caught up', failed: 'That did not work',
    stale: 'Couldn’t refresh', retry: 'Try again', out: 'You’re signed out', invalid: 'No longer valid',
    by: 'Handled by {0}', info: 'Info', success: 'Success', warning: 'Warning', error: 'Error', critical: 'Critical',
  },
  de: {
    title: 'Benachrichtigungen', unread: ['{0} ungelesene Benachrichtigung', '{0} ungelesene Benachrichtigungen'],
    count: '{0} ungelesen', new: 'Ungelesen', all: 'Alle Benachrichtigungen', read: 'Alle als gelesen markieren',
    hide: 'Ausblenden', undo: 'Rückgängig', done: 'Erledigt', more: '{0} neue zeigen', empty: 'Alles gelesen',
    failed: 'Das hat nicht geklappt', stale: 'Nicht aktualisiert', retry: 'Erneut versuchen',
    out: 'Sie sind abgemeldet', invalid: 'Nicht mehr gültig', by: 'Bearbeitet von {0}', info: 'Info',
    success: 'Erfolg', warning: 'Warnung', error: 'Fehler', critical: 'Kritisch',
  },
};

// A function that gives the text of a key, with its number or name in place.
export function speaker(lang, messages) {
  const words = { ...languages[lang.startsWith('de') ? 'de' : 'en'], ...messages };
  return (key, value) => {
    const text = words[key] ?? key;
    const form = Array.isArray(text) ? text[new Intl.PluralRules(lang).select(value) === 'one' ? 0 : 1] : text;
    return form.replace('{0}', typeof value === 'number' ? value.toLocaleString(lang) : value);
  };
}
