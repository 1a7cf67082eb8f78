// The page's language: how it is first chosen, where that is kept, and the control that changes it.

import { el, icon, reword } from './dom.js';
import { chooseLanguage, fitting, language, languages, onLanguage, texts } from './texts.js';

/** What is kept goes with the tab: another link of this browser is another person's. */
const KEPT = 'language';

/** Takes what the address names, else what was chosen in this tab, else the browser's languages. */
export function beginLanguage() {
  const named = new URLSearchParams(location.search).get('lang');
  const wishes = [named, kept(), ...navigator.languages].filter(Boolean);
  chooseLanguage(fitting(wishes) ?? language());
  document.documentElement.lang = language();
  onLanguage(() => {
    document.documentElement.lang = language();
    for (const picker of document.querySelectorAll('[data-testid=language]')) picker.value = language();
    reword();
  });
}

/** A list of the languages, each named in itself. */
export function languagePicker() {
  return el('label', { class: 'language', title: () => texts.languageLabel }, icon('language'),
    el('span', { class: 'visually-hidden', text: () => texts.languageLabel }),
    el('select', { testid: 'language', on: { change: ({ target }) => pick(target.value) } },
      ...languages.map(({ code, name }) => el('option', {
        value: code, lang: code, text: name, selected: code === language(),
      }))));
}

function pick(code) {
  chooseLanguage(code);
  try {
    sessionStorage.setItem(KEPT, code);
  } catch {
    // A browser that lets pages keep nothing: a reload asks it anew.
  }
  // What the address says comes first: it must not undo the choice when the page is loaded anew.
  const address = new URL(location.href);
  if (!address.searchParams.has('lang')) return;
  address.searchParams.set('lang', code);
  history.replaceState(history.state, '', address);
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
