// A row that stands for a member: who it is, a badge, and for chairs what they can do.

import { el, setAttribute, setText, show } from './dom.js';
import { texts } from './texts.js';
import { Actions } from './ui-actions.js';

/** A list that scrolls must be reached by the keyboard. */
export const scrolled = (heading) => ({ tabindex: '0', 'aria-labelledby': heading });

/** A row for a member; `before` comes first in it, `chairs` says whether it has `actions`. */
export function makeRow(parts, id, { testid, chairs, before = [] }) {
  const row = el('li', { class: 'row', testid, 'data-member': id });
  row.nameText = el('span', { class: 'row-name' });
  row.delegation = el('span', { class: 'row-delegation muted' });
  row.badge = el('span', { class: 'badge', hidden: true });
  row.append(...before, el('div', { class: 'row-who' }, row.nameText, el('span', { class: 'row-second' }, row.badge, row.delegation)));
  if (chairs) {
    row.actions = new Actions(parts, id);
    row.append(row.actions.root);
  }
  return row;
}

/** The name and, behind the delegation, `reason` where there is one. */
export function drawWho(row, { visit }, member, id, reason = '') {
  const name = member?.name ?? id;
  setText(row.nameText, id === visit.member.id ? texts.room.selfName(name) : name);
  row.classList.toggle('row-own', id === visit.member.id);
  const role = !member?.role || member.role === 'delegate' ? '' : texts.roles[member.role];
  const second = [role, visit.delegationName(member?.delegation)].filter(Boolean).join(', ');
  setText(row.delegation, [second, reason].filter(Boolean).join(' · '));
}

export function drawBadge(badge, [word, kind]) {
  setText(badge, word);
  setAttribute(badge, 'data-kind', kind);
  show(badge, word !== '');
}
