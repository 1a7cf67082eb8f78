// Choosing microphone, camera and loudspeaker: at the device check, and in the room as a dialog.

import { button, el, setAttribute, setText, show } from './dom.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';
import { playTestSound } from './ui-sound.js';

const KINDS = ['microphone', 'camera', 'speaker'];

/** One row a kind: a label and a list of what there is. */
export class DevicePickers {
  #parts;
  #prefix;

  /** `prefix` keeps the ids of several sets of pickers apart. */
  constructor(parts, prefix) {
    this.#parts = parts;
    this.#prefix = prefix;
    this.pickers = Object.fromEntries(KINDS.map((kind) => [kind, el('select', {
      id: `${prefix}-${kind}`, testid: `pick-${kind}`,
      on: { change: ({ target }) => this.#choose(kind, target.value) },
    })]));
    this.rows = Object.fromEntries(KINDS.map((kind) => [kind, el('div', { class: 'picker' },
      el('label', { for: `${this.#prefix}-${kind}`, text: () => texts.check[kind] }), this.pickers[kind])]));
    this.test = button(() => texts.check.testSound, {
      class: 'button', iconName: 'sound', testid: 'test-sound',
      on: { click: () => playTestSound(parts.devices.chosen('speaker')) },
    });
  }

  draw() {
    const { devices, desk } = this.#parts;
    for (const kind of KINDS) {
      const choices = devices.choices[kind];
      const usable = choices.length > 0 && (kind === 'speaker'
        ? 'setSinkId' in HTMLMediaElement.prototype : desk.sends);
      show(this.rows[kind], usable);
      this.#fill(kind, choices);
    }
  }

  #fill(kind, choices) {
    const { devices } = this.#parts;
    const picker = this.pickers[kind];
    const written = JSON.stringify([choices, texts.language]);
    if (picker.dataset.choices !== written) {
      picker.dataset.choices = written;
      picker.replaceChildren(...choices.map(({ id, label }, index) => el('option', {
        value: id, text: label || texts.check.device(texts.check[kind], index + 1),
      })));
    }
    const present = devices[kind]?.getSettings?.().deviceId || devices.chosen(kind);
    if (present && picker.value !== present) picker.value = present;
  }

  #choose(kind, id) {
    const { devices, media } = this.#parts;
    devices.choose(kind, id);
    if (kind === 'speaker') media.setOutput(id);
  }
}

/** How often the way of media is asked for while it is shown. */
const WAY_MS = 1_000;

/** The same choice during a session, and what sound and picture go by. */
export function openDevices(parts) {
  const { devices, media } = parts;
  const pickers = new DevicePickers(parts, 'room');
  let found = 'none';
  const wayText = el('span', { text: () => texts.devices.ways[found] });
  const way = el('p', { class: 'hint', testid: 'media-way' }, el('span', { text: () => `${texts.devices.way}: ` }), wayText);
  const drawWay = async () => {
    found = (await media.way()) ?? 'none';
    setAttribute(way, 'data-way', found);
    setText(wayText, texts.devices.ways[found]);
  };
  drawWay();
  const asking = setInterval(drawWay, WAY_MS);
  const none = el('p', { class: 'muted', text: () => texts.devices.none });
  const draw = () => {
    pickers.draw();
    const all = Object.values(pickers.rows);
    show(none, all.every((row) => row.hidden));
  };
  const unsubscribe = devices.subscribe(draw);
  const stop = () => {
    clearInterval(asking);
    unsubscribe();
  };
  devices.list();
  draw();
  const dialog = openDialog({
    title: () => texts.devices.title, testid: 'devices-dialog', onClose: stop,
    content: el('div', { class: 'devices-form' }, ...Object.values(pickers.rows), none, pickers.test, way),
    buttons: [button(() => texts.devices.done, { class: 'button button-primary', testid: 'devices-done', on: { click: () => dialog.close() } })],
  });
}
