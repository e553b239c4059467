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
  const [name] = lang.split('_');
  try {
    return new Intl.Locale(name).language in languages || messages ? name : 'en';
  } catch {
    return 'en';
  }
}

// {say, language}; say gives the text of a key, with its number or name in place.
export function speaker(lang, languages, messages) {
  const language = spoken(lang, languages, messages);
  const words = { ...languages[language.split('-')[0]] ?? languages.en, ...messages };
  const say = (key, value) => {
    const text = words[key] ?? key;
    const form = Array.isArray(text) ? text[new Intl.PluralRules(language).select(value) === 'one' ? 0 : 1] : text;
    return form.replace('{0}', () => value?.toLocaleString(language));
  };
  return { say, language };
}
