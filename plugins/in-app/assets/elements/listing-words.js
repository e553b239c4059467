// SPDX-License-Identifier: Apache-2.0
// What a list says.
export const texts = {
  en: {
    new: 'Unread', all: 'All notifications', read: 'Mark all as read', hide: 'Hide', undo: 'Undo', done: 'Done',
    more: 'Show {0} new', empty: 'You’re all caught up', failed: 'That did not work', stale: 'Couldn’t refresh',
    retry: 'Try again', out: 'You’re signed out', invalid: 'No longer valid', by: 'Handled by {0}', info: 'Info',
    success: 'Success', warning: 'Warning', error: 'Error', critical: 'Critical',
  },
  de: {
    new: 'Ungelesen', all: 'Alle Benachrichtigungen', read: 'Alle als gelesen markieren', hide: 'Ausblenden',
    undo: 'Rückgängig', done: 'Erledigt', more: '{0} neue zeigen', empty: 'Alles gelesen',
    failed: 'Das hat nicht geklappt', stale: 'Nicht aktualisiert', retry: 'Erneut versuchen',
    out: 'Sie sind abgemeldet', invalid: 'Nicht mehr gültig', by: 'Erledigt von {0}', info: 'Hinweis',
    success: 'Erfolg', warning: 'Warnung', error: 'Fehler', critical: 'Kritisch',
  },
};
