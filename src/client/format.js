// Numbers and times as people read them.

/** `3:07`; hours where there are any. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** What a clock with `left` ms shows: `3:07`, or `+0:12` past its end; `state` is `good`, `warned` or `over`. */
export function timeLeft(left, warningMs) {
  return {
    text: left >= 0 ? clock(left + 999) : `+${clock(-left)}`,
    state: left < 0 ? 'over' : left <= warningMs ? 'warned' : 'good',
  };
}

/** `Thursday, 19 November`, in `zone` (an IANA name, or undefined for one's own). */
export function day(timestamp, zone, language) {
  return format(timestamp, language, {
    weekday: 'long', day: 'numeric', month: 'long', timeZone: zone,
  });
}

/** `10:00`. */
export function timeOfDay(timestamp, zone, language) {
  return format(timestamp, language, { hour: '2-digit', minute: '2-digit', timeZone: zone });
}

/** `10:00:05`. */
export function timeToTheSecond(timestamp, zone, language) {
  return format(timestamp, language, { timeStyle: 'medium', timeZone: zone });
}

/** `Asia/Jakarta` as `Jakarta`. */
export const zoneName = (zone) => zone.split('/').pop().replaceAll('_', ' ');

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Whether two zones show the same wall clock at a time. */
export function sameWallClock(timestamp, zone, language) {
  const full = { dateStyle: 'short', timeStyle: 'short' };
  return format(timestamp, language, { ...full, timeZone: zone })
    === format(timestamp, language, full);
}

/** `17:37` in `zone`, and beside it one's own where that is another: `17:37 (13:37)`. */
export function timeInBoth(timestamp, zone, language) {
  const there = timeOfDay(timestamp, zone, language);
  return sameWallClock(timestamp, zone, language) ? there : `${there} (${timeOfDay(timestamp, undefined, language)})`;
}

/** `Dr. Sari Wijaya` as `SW`: the first letters of the first and the last word, titles aside. */
export function initials(name) {
  const words = name.split(/\s+/).filter((word) => word && !/\.$/.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join('') || '?';
}

function format(timestamp, language, options) {
  try {
    return new Intl.DateTimeFormat(language, options).format(timestamp);
  } catch {
    // A zone that this browser does not know.
    return new Intl.DateTimeFormat(language, { ...options, timeZone: undefined }).format(timestamp);
  }
}
