// SPDX-License-Identifier: Apache-2.0
// The texts of the page in the reader's language, and the two live regions that say some of them.
// Invariants: whatever is said is said once, in one region; a text that stands there already is said again.

const camel = (key) => key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

export class Words {
  // `texts` holds one attribute a text: data-done-read-one is count('done_read', 1). Numbers and times are written by
  // the hub's locale and zone, so that a row looks the same whoever wrote it.
  constructor(texts, { locale, zone }) {
    this.texts = texts;
    this.number = new Intl.NumberFormat(locale);
    this.plural = new Intl.PluralRules(locale);
    this.ago = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
    const time = { timeStyle: 'short', timeZone: zone };
    try {
      this.clock = new Intl.DateTimeFormat(locale, time);
    } catch {
      delete time.timeZone; // the browser has not heard of it
      this.clock = new Intl.DateTimeFormat(locale, time);
    }
    this.date = new Intl.DateTimeFormat(locale, { ...time, dateStyle: 'medium' });
  }

  // {0} {1} are the arguments
  say(key, ...args) {
    return this.fill(this.texts[camel(key)] ?? key, args);
  }

  // The form for n, which is {0}
  count(key, n, ...args) {
    const form = this.plural.select(n);
    const name = camel(`${key}_${form}`);
    return this.fill(this.texts[name] ?? this.texts[camel(`${key}_other`)] ?? key, [n, ...args]);
  }

  fill(text, args) {
    return text.replace(/\{(\d)\}/g, (_, at) =>
      typeof args[at] === 'number' ? this.number.format(args[at]) : args[at] ?? '');
  }

  // "5 minutes ago" within a week, as the hub writes it; else null
  since(ms, now) {
    const age = now - ms;
    if (age < 0 || age >= 7 * DAY) return null;
    if (age < MINUTE) return this.ago.format(0, 'second');
    const [unit, size] = age < HOUR ? ['minute', MINUTE] : age < DAY ? ['hour', HOUR] : ['day', DAY];
    return this.ago.format(-Math.floor(age / size), unit);
  }
}

export class Speaker {
  constructor(status, alert) {
    Object.assign(this, { status, alert });
  }

  // Politely, when there is a pause
  tell(text) {
    this.put(this.status, text);
  }

  // At once
  warn(text) {
    this.put(this.alert, text);
  }

  put(region, text) {
    region.textContent = text && text === region.textContent ? `${text}\u00A0` : text;
  }
}

// One element with attributes, or properties where they are no strings, and what is in it.
export function make(name, attributes = {}, ...inside) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (typeof value === 'string') element.setAttribute(key, value);
    else element[key] = value;
  element.append(...inside);
  return element;
}
