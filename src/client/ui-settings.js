// A session's settings as a dialog: every key of the profile. What is not changed is not sent.

import { button, el } from './dom.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

/** The numbers of a profile: their unit in ms (1: a plain number), bounds in units, step. */
const NUMBERS = {
  microphones: [1, 1, 25, 1],
  turn_ms: [60_000, 1, 60, 'any'],
  warning_ms: [1000, 0, 120, 1],
  fade_ms: [1000, 1, 30, 1],
  response_ms: [1000, 10, 3600, 1],
  budget_ms: [60_000, 0, 1440, 'any'],
  queue_max: [1, 1, 500, 1],
};

const CHOICES = ['end', 'policy', 'screens', 'chat'];

/** The profile as it is now; another chair's change of the same key meanwhile is overwritten. */
export function openSettings(parts) {
  const { undo, meeting } = parts;
  const { profile } = meeting.state;
  const word = (key) => () => texts.settings.fields[key];
  const modes = Object.keys(texts.chair.modes).map((value) => el('label', { class: 'choice' },
    el('input', { type: 'radio', name: 'mode', value, checked: value === profile.mode, testid: `mode-${value}` }),
    el('span', {}, el('strong', { text: () => texts.chair.modes[value].name }),
      el('span', { class: 'muted', text: () => texts.chair.modes[value].text }))));
  const number = (key) => {
    const [unit, min, max, step] = NUMBERS[key];
    return el('div', { class: 'field' }, el('label', { for: `set-${key}`, text: word(key) }), el('input', {
      id: `set-${key}`, name: key, type: 'number', min: String(min), max: String(max), step: String(step), required: true,
      value: String(profile[key] / unit), testid: key === 'microphones' ? 'floor-microphones' : `profile-${key}`,
    }));
  };
  const choice = (key) => el('div', { class: 'field field-wide' }, el('label', { for: `set-${key}`, text: word(key) }),
    el('select', { id: `set-${key}`, name: key, testid: `profile-${key}` },
      ...Object.keys(texts.settings.choices[key]).map((value) => el('option', {
        value, text: () => texts.settings.choices[key][value], selected: value === profile[key],
      }))));
  const list = el('textarea', { id: 'set-list', name: 'list', rows: '3', testid: 'profile-list', spellcheck: 'false' });
  list.value = profile.list.join('\n');
  const form = el('form', { class: 'settings-form', id: 'floor-form' },
    el('fieldset', {}, el('legend', { text: () => texts.chair.mode }), ...modes),
    number('microphones'), number('turn_ms'), number('warning_ms'), choice('end'), number('fade_ms'), number('response_ms'),
    choice('policy'),
    el('div', { class: 'writing' }, el('label', { for: 'set-list', text: word('list') }), list, picker(meeting.state, list),
      el('p', { class: 'hint', text: () => texts.settings.listHint })),
    number('budget_ms'), number('queue_max'),
    el('label', { class: 'choice' }, el('input', { type: 'checkbox', name: 'lobby', checked: profile.lobby, testid: 'profile-lobby' }),
      el('span', {}, el('strong', { text: word('lobby') }), el('span', { class: 'muted', text: () => texts.settings.lobbyHint }))),
    choice('screens'), choice('chat'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const change = changed(profile, new FormData(form));
    if (Object.keys(change).length === 0 || await undo.order('session.configure', change)) dialog.close();
  });
  const dialog = openDialog({
    title: () => texts.settings.title, content: form, testid: 'floor-dialog',
    buttons: [
      button(() => texts.chair.cancel, { class: 'button', on: { click: () => dialog.close() } }),
      button(() => texts.chair.apply, { type: 'submit', form: 'floor-form', class: 'button button-primary', testid: 'floor-apply' }),
    ],
  });
}

/** Puts those who are here on the list by their names. */
function picker({ members }, list) {
  const delegates = [...members.values()].filter(({ role }) => role === 'delegate')
    .sort((a, b) => a.name.localeCompare(b.name, texts.language));
  return el('select', {
    testid: 'profile-list-add', 'aria-label': () => texts.settings.listAdd,
    on: {
      change: ({ target }) => {
        const named = idsOf(list.value);
        if (target.value && !named.includes(target.value)) list.value = [...named, target.value].join('\n');
        target.value = '';
      },
    },
  }, el('option', { value: '', text: () => texts.settings.listAdd }),
  ...delegates.map(({ id, name }) => el('option', { value: id, text: `${name} (${id})` })));
}

const idsOf = (text) => text.split(/[\s,;]+/).filter(Boolean);

/** The keys whose values differ from the profile's. */
function changed(profile, data) {
  const wanted = { mode: data.get('mode'), lobby: data.get('lobby') !== null, list: idsOf(data.get('list')) };
  for (const key of CHOICES) wanted[key] = data.get(key);
  for (const [key, [unit]] of Object.entries(NUMBERS)) wanted[key] = Math.round(Number(data.get(key)) * unit);
  return Object.fromEntries(Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(profile[key])));
}
