// SPDX-License-Identifier: Apache-2.0
// What every element says, in English and German, and how it is said; a page puts its own in place with the property
// `messages`. A list holds the forms for one and for others.
export const texts = {
  en: {
    title: 'Notifications', unread: ['{0} unread notification', '{0} unread notifications'], count: '{0} unread',
    unloaded: 'The list did not load', retry: 'Try again',
  },
  de: {
    title: 'Benachrichtigungen', unread: ['{0} ungelesene Benachrichtigung', '{0} ungelesene Benachrichtigungen'],
    count: '{0} ungelesen', unloaded: 'Die Liste wurde nicht geladen', retry: 'Erneut versuchen',
  },
};

// The language to speak where a page asks for `lang`, which may be none at all (`en_US`). Numbers and times follow a
// language that we do not speak only where the page brings its own texts.
function spoken(lang, languages, messages) {
  try {
    const { language } = new Intl.Locale(lang);
    return language in languages || messages ? lang : 'en';
  } catch {
    return /^de\b/.test(lang.replace('_', '-')) ? 'de' : 'en';
  }
}

// {say, language}; say gives the text of a key, with its number or name in place.
export function speaker(lang, languages, messages) {
  const language = spoken(lang, languages, messages);
  const words = { ...languages[language.split('-')[0]] ?? languages.en, ...messages };
  const plural = new Intl.PluralRules(language);
  const say = (key, value) => {
    const text = words[key] ?? key;
    const form = Array.isArray(text) ? text[plural.select(value) === 'one' ? 0 : 1] : text;
    return form.replace('{0}', () => (typeof value === 'number' ? value.toLocaleString(language) : value));
  };
  return { say, language };
}
