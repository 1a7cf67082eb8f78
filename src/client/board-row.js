// One member's row: who, the pre-flight check, where they are now, their line, their link.

import { ago, number } from './board-words.js';
import { button, el, setAttribute, setButtonText, setText, show } from './dom.js';
import { timeOfDay } from './format.js';
import { texts } from './texts.js';
import { board } from './texts-board.js';

/** Said beside each word, so that no colour has to be told from another. */
const SIGNS = { udp: '✓', tcp: '!', relay: '!', none: '✕', unchecked: '–', in: '●', lobby: '◐', lost: '!', away: '○' };

/** How long “copied” is said in place of “copy”, in ms. */
const COPIED_MS = 2500;

export const COLUMNS = ['name', 'delegation', 'role', 'check', 'place', 'line', 'link'];

export function makeRow({ member }, parts) {
  // Roles are written out: laid out as cards on a phone it would be no table to a screen reader else.
  const row = el('tr', { role: 'row', testid: 'board-row', 'data-member': member });
  row.cellOf = Object.fromEntries(COLUMNS.map((column) => [column, column === 'name'
    ? el('th', { scope: 'row', role: 'rowheader', class: 'cell-name' })
    : el('td', { role: 'cell', class: `cell-${column}` })]));
  const { name, check, place, line, link } = row.cellOf;
  const part = (cell, key, tag, properties) => {
    row[key] = el(tag, properties);
    cell.append(row[key]);
  };
  part(name, 'nameText', 'span', { class: 'cell-main' });
  name.append(el('span', { class: 'cell-more cell-id', text: member }));
  makeMark(row, check, 'check');
  makeMark(row, place, 'place');
  row.since = el('span', { class: 'since' });
  row.placeMark.append(row.since);
  row.bars = el('span', { class: 'bars', 'aria-hidden': 'true' }, el('i'), el('i'), el('i'));
  row.lineWord = el('span', { class: 'mark-word' });
  row.path = el('span', { class: 'path' });
  row.lineMark = el('span', { class: 'mark', testid: 'row-line' }, row.bars, row.lineWord, row.path);
  row.lineSpoken = el('span', { class: 'visually-hidden' });
  row.lineRate = el('span', { class: 'cell-more', 'aria-hidden': 'true' });
  row.lineLoss = el('span', { class: 'cell-more', 'aria-hidden': 'true' });
  line.append(row.lineMark, row.lineRate, row.lineLoss, row.lineSpoken);
  const act = (action, properties) => {
    row[action] = button('', { class: 'button button-small', 'data-member': member, ...properties });
    return row[action];
  };
  link.append(el('div', { class: 'row-buttons' },
    act('copy', {
      testid: 'link-copy-row', on: {
        click: async ({ currentTarget }) => {
          if (!await parts.links.copy(row.shown, currentTarget)) return;
          row.copiedAt = performance.now();
          drawCopy(row);
          setTimeout(() => drawCopy(row), COPIED_MS + 10);
        },
      },
    }),
    act('renew', { testid: 'link-new', 'aria-haspopup': 'dialog', on: { click: () => parts.links.renew(row.shown) } }),
    act('withdraw', {
      testid: 'link-withdraw', 'aria-haspopup': 'dialog', on: { click: () => parts.links.withdraw(row.shown) },
    })));
  part(link, 'linkText', 'span', { class: 'cell-more', testid: 'row-link' });
  row.append(...Object.values(row.cellOf));
  return row;
}

export function drawRow(row, shown, parts) {
  const { watch, links, now } = parts;
  const words = board();
  row.shown = shown;
  for (const column of COLUMNS) setAttribute(row.cellOf[column], 'data-label', words.roster.columns[column]);
  setText(row.nameText, shown.name);
  setText(row.cellOf.delegation, shown.delegationName);
  setText(row.cellOf.role, texts.roles[shown.role] ?? shown.role);
  drawCheck(row, shown, now());
  drawPlace(row, shown, watch);
  drawLine(row, shown);
  const known = !watch.troubles.has('invites');
  setText(row.linkText, known ? linkWords(shown, links) : '');
  for (const action of ['renew', 'withdraw']) drawAction(row, action, words.link[action]);
  drawCopy(row);
}

function makeMark(row, cell, key) {
  row[`${key}Sign`] = el('span', { class: 'sign', 'aria-hidden': 'true' });
  row[`${key}Word`] = el('span', { class: 'mark-word' });
  row[`${key}Mark`] = el('span', { class: 'mark', testid: `row-${key}` }, row[`${key}Sign`], row[`${key}Word`]);
  row[`${key}More`] = el('span', { class: 'cell-more' });
  cell.append(row[`${key}Mark`], row[`${key}More`]);
}

function drawMark(row, key, kind, word, more) {
  setAttribute(row[`${key}Mark`], 'data-kind', kind);
  setText(row[`${key}Sign`], SIGNS[kind]);
  setText(row[`${key}Word`], word);
  setText(row[`${key}More`], more);
  show(row[`${key}More`], more !== '');
}

function drawCheck(row, { check, checked }, now) {
  const words = board().check;
  const more = check ? [
    ago(Date.parse(check.at), now),
    Number.isFinite(check.rtt_ms) ? words.detail(number(check.rtt_ms), number(check.loss_pct ?? 0)) : '',
    ...Object.entries(words.devices).filter(([device]) => check[device] === false).map(([, word]) => word),
  ].filter(Boolean).join(' · ') : '';
  drawMark(row, 'check', checked, words.verdicts[checked], more);
}

function drawPlace(row, { here, place }, watch) {
  const words = board().place;
  const { zone } = watch.event;
  const where = here.map(({ session }) => watch.sessions.find(({ id }) => id === session)?.title ?? session).join('; ');
  const since = here[0]?.since;
  drawMark(row, 'place', place, words[place], where);
  setText(row.since, since ? words.since(timeOfDay(Date.parse(since), zone, texts.language)) : '');
}

function drawLine(row, { here, line }) {
  const words = board().line;
  const shown = line !== 'off';
  for (const part of [row.lineMark, row.lineRate, row.lineLoss, row.lineSpoken]) show(part, shown);
  if (!shown) return;
  const measured = here.find(({ quality }) => (quality ?? 'unknown') === line) ?? here[0];
  setAttribute(row.lineMark, 'data-kind', line);
  setText(row.lineWord, words[line]);
  setText(row.path, words[measured.path] ?? '');
  const { rtt_ms: ms, loss_pct_up: lossUp, loss_pct_down: lossDown, kbps_up: up, kbps_down: down } = measured;
  const known = Number.isFinite(ms);
  const values = [ms ?? 0, lossUp ?? 0, lossDown ?? 0, (up ?? 0) / 1000, (down ?? 0) / 1000].map(number);
  setText(row.lineRate, known ? `${words.roundTrip(values[0])} · ${words.rate(values[3], values[4])}` : '');
  setText(row.lineLoss, known ? words.loss(values[1], values[2]) : '');
  setText(row.lineSpoken, known ? words.spoken(...values) : '');
}

function linkWords({ link, invites }, links) {
  const words = board().link;
  if (link !== 'valid') return words[link];
  const last = invites.reduce((a, b) => (Date.parse(a.expires) >= Date.parse(b.expires) ? a : b));
  const valid = invites.length > 1 ? words.several(invites.length, links.lastDay(last)) : words.valid(links.lastDay(last));
  return [valid, links.used(last)].filter(Boolean).join(', ');
}

function drawAction(row, action, word) {
  setButtonText(row[action], word);
  setAttribute(row[action], 'aria-label', board().link.of(word, row.shown.name));
}

function drawCopy(row) {
  const fresh = row.copiedAt !== undefined && performance.now() - row.copiedAt < COPIED_MS;
  drawAction(row, 'copy', fresh ? board().link.copied : board().link.copy);
  setAttribute(row.copy, 'data-done', fresh);
}
