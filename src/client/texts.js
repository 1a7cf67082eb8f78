// The page's texts, in the language that is chosen.
//
// `texts` is a live binding: read it where a text is drawn, never into a constant of a module. Where a
// text is put once and not drawn again, `el` takes a function (dom.js): it is asked anew in another
// language. It must never know the DOM: how a language comes to be chosen is ui-language.js's.

import { Refusal } from './protocol.js';
import { english } from './texts-en.js';
import { indonesian } from './texts-id.js';
import { russian } from './texts-ru.js';

const ALL = { en: english, ru: russian, id: indonesian };

export let texts = english;

/** The languages: their codes, and what each calls itself. */
export const languages = Object.entries(ALL).map(([code, { ownName }]) => ({ code, name: ownName }));

const listeners = new Set();

/** The code of the language that is chosen. */
export const language = () => languages.find(({ code }) => ALL[code] === texts).code;

/** Takes another language, by its code; all texts that are read from now on are in it. */
export function chooseLanguage(code) {
  if (texts === ALL[code]) return;
  texts = ALL[code];
  for (const listener of listeners) listener();
}

/** Calls `listener()` after each change of the language; what it returns ends that. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The code of the first of these language tags that there are texts for; null: none. */
export function fitting(tags) {
  return tags.map(codeOf).find((code) => Object.hasOwn(ALL, code)) ?? null;
}

/** Why a request was not done, in words: by the code, since the server's own are English. */
export function refusalText(error) {
  const { refusals } = texts;
  if (!(error instanceof Refusal)) return refusals.unreachable;
  const known = Object.hasOwn(refusals, error.code) ? refusals[error.code] : refusals.other;
  return typeof known === 'function' ? known(error.message) : known;
}

/** `ru` of `ru-RU`; `id` also of `in`, its old code, by which some phones still call it. */
function codeOf(tag) {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return null; // No language's tag at all.
  }
}
