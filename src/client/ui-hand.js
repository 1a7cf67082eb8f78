// Asking for the floor otherwise than for a speech: a reply, or a point of order.

import { button, el } from './dom.js';
import { whyNoHand } from './meeting.js';
import { texts } from './texts.js';
import { openDialog } from './ui-dialog.js';

const KINDS = ['response', 'point_of_order', 'point_of_privilege', 'point_of_information'];

/** The choice as a dialog; `order(type, fields)` sends what is chosen. */
export function openHandMenu({ meeting, visit }, order) {
  const choice = (kind) => {
    const reason = whyNoHand(meeting.state, visit.member.id, kind);
    return el('button', {
      type: 'button', class: 'choice choice-button', testid: `request-${kind}`, disabled: reason !== null,
      on: {
        click: () => {
          dialog.close();
          order('floor.request', { kind });
        },
      },
    }, el('span', {}, el('strong', { text: () => texts.kinds[kind] }),
      el('span', { class: 'muted', text: () => (reason ? texts.hand.not[reason] : texts.hand.hints[kind]) })));
  };
  const dialog = openDialog({
    title: () => texts.hand.title, testid: 'hand-dialog',
    content: el('div', { class: 'settings-form' }, ...KINDS.map(choice)),
    buttons: [button(() => texts.chair.cancel, { class: 'button', on: { click: () => dialog.close() } })],
  });
}
