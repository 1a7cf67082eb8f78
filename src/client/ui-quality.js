// The own connection: a sign in the header, what it means and what helps as a dialog, and advice over the
// stage while it is bad.

import { button, el, keyed, setAttribute, setText, show } from './dom.js';
import { onLanguage, texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

/** Advice that was put away does not come back for so long, in ms. */
const QUIET_MS = 3 * 60_000;

/** When advice was last put away; it stays so while the screen is made anew. */
let quietSince = -Infinity;

/** Three bars, of which as many are full as the connection is good, and the word. */
function makeSign() {
  const sign = el('span', { class: 'quality-sign' },
    el('span', { class: 'bars', 'aria-hidden': 'true' }, el('i'), el('i'), el('i')));
  sign.word = el('span', { class: 'quality-word' });
  sign.append(sign.word);
  return sign;
}

function drawSign(sign, level) {
  setAttribute(sign, 'data-level', level);
  setText(sign.word, texts.quality.levels[level]);
}

/** The button in the header. */
export class QualitySign {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.sign = makeSign();
    this.root = el('button', {
      type: 'button', class: 'quality', testid: 'quality', 'aria-haspopup': 'dialog', on: { click: () => openQuality(parts) },
    }, el('span', { class: 'visually-hidden', text: () => texts.quality.prefix }), this.sign);
  }

  draw() {
    const { level } = this.#parts.quality;
    drawSign(this.sign, level);
    setAttribute(this.root, 'data-level', level);
  }
}

/** What to press where the connection is bad: `[testid, text, done]`. */
function remedies({ desk }) {
  return {
    camera: ['advice-camera', () => texts.quality.cameraOff, () => desk.setCamera(false)],
    pictures: ['advice-sound-only', () => texts.quality.soundOnly, () => desk.setSoundOnly(true)],
  };
}

/** The card over the stage. */
export class AdviceCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.text = el('p', { class: 'banner-text' });
    this.buttons = Object.fromEntries(Object.entries(remedies(parts)).map(([key, [testid, text, done]]) => [key,
      button(text, { class: 'button button-small', testid, on: { click: done } })]));
    this.root = el('div', { class: 'banner advice-card', testid: 'advice', role: 'status', hidden: true }, this.text,
      ...Object.values(this.buttons),
      button(() => texts.room.dismiss, { class: 'button button-small', testid: 'advice-dismiss', on: { click: () => this.#dismiss() } }));
  }

  draw() {
    const { quality } = this.#parts;
    const shown = quality.level === 'poor' && performance.now() - quietSince > QUIET_MS;
    show(this.root, shown);
    if (!shown) return;
    setText(this.text, [texts.quality.poor, texts.quality.advice.router].join(' '));
    for (const [key, control] of Object.entries(this.buttons)) show(control, quality.advice.includes(key));
  }

  #dismiss() {
    quietSince = performance.now();
    this.draw();
  }
}

/** All of it, kept up while it is open; here the member also chooses to go without pictures. */
function openQuality(parts) {
  const { quality, media, desk } = parts;
  const sign = makeSign();
  const meaning = el('p');
  const advice = el('ul', { class: 'advice-list' });
  const facts = el('dl', { class: 'measures' });
  const soundOnly = el('input', {
    type: 'checkbox', testid: 'sound-only', checked: desk.soundOnly, on: { change: ({ target }) => desk.setSoundOnly(target.checked) },
  });
  let way = null;
  const draw = () => {
    drawSign(sign, quality.level);
    setText(meaning, texts.quality.meanings[quality.level]);
    keyed(advice, quality.advice, (key) => key,
      (key) => el('li', { text: () => texts.quality.advice[key] }), () => {});
    const { roundTripMs, lossIn, lossOut, standing } = quality.measured;
    const percent = (share) => (share === null ? '–' : `${(share * 100).toLocaleString(texts.language, { maximumFractionDigits: 1 })} %`);
    const rows = [
      ['way', texts.devices.ways[way ?? 'none']],
      ['roundTrip', roundTripMs === null ? '–' : texts.quality.ms(Math.round(roundTripMs))],
      ['lossIn', percent(lossIn)],
      ['lossOut', percent(lossOut)],
      ['standing', String(standing)],
    ];
    keyed(facts, rows, ([key]) => key, ([key]) => {
      const row = el('div', { 'data-fact': key });
      row.value = el('dd');
      row.append(el('dt', { text: () => texts.quality.facts[key] }), row.value);
      return row;
    }, (row, [, value]) => setText(row.value, value));
    soundOnly.checked = desk.soundOnly;
  };
  const look = async () => {
    way = await media.way();
    draw();
  };
  const endings = [quality.subscribe(look), onLanguage(draw)];
  draw();
  look();
  const dialog = openDialog({
    title: () => texts.quality.title, testid: 'quality-dialog', onClose: () => endings.forEach((end) => end()),
    content: el('div', { class: 'settings-form' },
      el('div', { class: 'quality-now', role: 'status' }, sign, meaning), advice,
      el('label', { class: 'choice' }, soundOnly,
        el('span', {}, el('strong', { text: () => texts.quality.soundOnly }), el('span', { class: 'muted', text: () => texts.quality.soundOnlyHint }))),
      facts),
    buttons: [button(() => texts.devices.done, { class: 'button button-primary', testid: 'quality-done', on: { click: () => dialog.close() } })],
  });
}
