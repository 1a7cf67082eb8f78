// The record to take away, as a dialog: the document, all as JSON, each table.

import { inDialog, save } from './board-orders.js';
import { button, el, setText } from './dom.js';
import { board } from './texts-board.js';
import { openDialog } from './ui-dialog.js';

const KINDS = { document: ['md', 'text/markdown'], data: ['json', 'application/json'] };

export function openRecord({ watch }) {
  const words = () => board().record;
  const said = el('p', { class: 'hint', role: 'status', testid: 'record-saved' });
  const choice = (text, table, ending, type) => {
    const pressed = button(text, {
      class: table ? 'button button-small' : 'button', testid: `record-${table || ending}`,
      on: {
        click: () => inDialog(pressed, async () => {
          const name = `${watch.event.id}-${table || 'record'}.${ending}`;
          save(await watch.record(table, type), name);
          setText(said, words().saved(name));
        }, { 409: words().broken }),
      },
    });
    return pressed;
  };
  const dialog = openDialog({
    title: () => words().title, testid: 'record-dialog',
    content: el('div', { class: 'settings-form' }, el('p', { text: () => words().text }),
      el('div', { class: 'board-buttons' }, ...Object.entries(KINDS).map(([kind, [ending, type]]) => choice(() => words()[kind], '', ending, type))),
      el('h3', { text: () => words().tables }),
      el('div', { class: 'board-buttons' }, ...Object.keys(words().table).map((table) => choice(() => words().table[table], table, 'csv', 'text/csv'))),
      said),
    buttons: [button(() => board().link.close, { class: 'button', testid: 'dialog-close', on: { click: () => dialog.close() } })],
  });
}
