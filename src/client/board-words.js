// Numbers, times and failures as the board says them.

import { Unreachable } from './protocol.js';
import { texts } from './texts.js';
import { board } from './texts-board.js';

const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', Infinity]];

/** `3 hours ago`. */
export function ago(then, now) {
  let number = Math.max(0, Math.round((now - then) / 1000));
  for (const [unit, most] of STEPS) {
    if (number < most) return new Intl.RelativeTimeFormat(texts.language, { numeric: 'auto' }).format(-number, unit);
    number = Math.round(number / most);
  }
  return '';
}

/** `19 Nov 2020`, in `zone`. */
export function shortDay(timestamp, zone) {
  return new Intl.DateTimeFormat(texts.language, { day: 'numeric', month: 'short', year: 'numeric', timeZone: zone }).format(timestamp);
}

/** `Thu 19 Nov`, in `zone`. */
export function weekday(timestamp, zone) {
  return new Intl.DateTimeFormat(texts.language, { weekday: 'short', day: 'numeric', month: 'short', timeZone: zone }).format(timestamp);
}

/** `0.4`, with one digit behind the point where there is one to show. */
export function number(value) {
  return new Intl.NumberFormat(texts.language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** What went wrong and what to do next. `own`, by status, is what a problem means here rather than elsewhere. */
export function explain(error, own = {}) {
  const { problems } = board();
  if (error instanceof Unreachable) return problems.unreachable;
  const known = own[error.status] ?? problems[error.status] ?? (error.status >= 500 ? problems.server : problems.other);
  return known(error.message.replace(/\.$/, ''));
}
