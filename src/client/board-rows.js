// The roster as the board shows it: what is known of each member in one row, counted, filtered, sorted.
//
// Pure: it must never know the DOM, the network or the time.

/** Worst first, so that sorting brings up what needs somebody. */
const CHECKS = ['none', 'unchecked', 'relay', 'tcp', 'udp'];
const PLACES = ['lobby', 'lost', 'in', 'away'];
const LINES = ['poor', 'fair', 'good', 'unknown', 'off'];
const LINKS = ['none', 'over', 'valid'];
const ROLES = ['organiser', 'chair', 'podium', 'delegate', 'interpreter', 'technician', 'observer'];

/** What the filters let through, by their names. */
export const FILTERS = {
  all: () => true,
  unchecked: (row) => row.checked === 'unchecked',
  tcp: (row) => row.checked === 'tcp' || row.here.some(({ path }) => path === 'tcp'),
  relay: (row) => row.checked === 'relay',
  failed: (row) => row.checked === 'none',
  here: (row) => row.place === 'in',
  lobby: (row) => row.place === 'lobby',
  away: (row) => row.place === 'away' || row.place === 'lost',
  poor: (row) => row.line === 'poor',
};

export const SORTS = ['name', 'delegation', 'role', 'check', 'place', 'line', 'link'];

/** One row a member of the roster; who is present without a seat there has one too. */
export function rowsOf({ members, live, checks, invites, minted }, now) {
  const here = new Map();
  for (const session of live?.sessions ?? []) {
    for (const person of session.present) {
      const known = here.get(person.member) ?? [];
      here.set(person.member, [...known, { ...person, session: session.id }]);
    }
  }
  const checkOf = new Map(checks.map((check) => [check.member, check]));
  const seats = new Set(members.map(({ member }) => member));
  const strangers = [...here.values()].map(([first]) => first).filter(({ member }) => !seats.has(member))
    .map(({ member, name, delegation, role }) => ({ member, name, delegation, role }));
  return [...members, ...strangers].map((seat) => {
    const places = here.get(seat.member) ?? [];
    const own = invites.filter(({ member }) => member === seat.member);
    const valid = own.filter((invite) => isValid(invite, now));
    // In the room one goes by the name given at the door.
    const name = places[0]?.name || seat.name;
    const delegationName = seat.delegation_name ?? seat.delegation ?? '';
    return {
      ...seat,
      name,
      delegationName,
      searched: fold([name, seat.name, seat.member, delegationName].join(' ')),
      check: checkOf.get(seat.member) ?? null,
      checked: checkOf.get(seat.member)?.verdict ?? 'unchecked',
      here: places,
      place: placeOf(places),
      line: lineOf(places),
      invites: valid,
      link: valid.length > 0 ? 'valid' : own.length > 0 ? 'over' : 'none',
      minted: minted.get(seat.member) ?? null,
    };
  });
}

function isValid({ revoked, expires }, now) {
  return !revoked && Date.parse(expires) > now;
}

function placeOf(places) {
  if (places.length === 0) return 'away';
  if (places.some(({ lost, in_lobby: waits }) => !lost && !waits)) return 'in';
  return places.some(({ in_lobby: waits }) => waits) ? 'lobby' : 'lost';
}

/** The worst of somebody's lines. */
function lineOf(places) {
  const lines = places.filter(({ lost, in_lobby: waits }) => !lost && !waits)
    .map(({ quality }) => quality ?? 'unknown');
  return LINES.find((line) => lines.includes(line)) ?? 'off';
}

/** How many are what; `checked` are those whose check has come to a verdict. */
export function countsOf(rows) {
  const count = (filter) => rows.filter(filter).length;
  const by = Object.fromEntries(Object.entries(FILTERS).map(([name, filter]) => [name, count(filter)]));
  return {
    ...by,
    checked: rows.length - by.unchecked,
    checkedUdp: count(({ checked }) => checked === 'udp'),
    checkedTcp: count(({ checked }) => checked === 'tcp'),
    checkedRelay: by.relay,
  };
}

/** Those that a filter, a session and searched words let through. */
export function filtered(rows, { filter, session, words }) {
  const wanted = fold(words).split(/\s+/).filter(Boolean);
  return rows.filter((row) => FILTERS[filter](row)
    && (!session || row.here.some((place) => place.session === session))
    && wanted.every((word) => row.searched.includes(word)));
}

/** A text as it is searched: without case and without marks above and below letters. */
export function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** In the order of `key`; `up` false turns it round. Equals stay in the order of their names. */
export function sorted(rows, { key, up }, language) {
  const { compare } = new Intl.Collator(language, { numeric: true });
  const rank = {
    name: () => 0,
    delegation: (a, b) => compare(a.delegationName, b.delegationName),
    role: by(ROLES, ({ role }) => role),
    check: by(CHECKS, ({ checked }) => checked),
    place: by(PLACES, ({ place }) => place),
    line: by(LINES, ({ line }) => line),
    link: by(LINKS, ({ link }) => link),
  }[key];
  const turn = up ? 1 : -1;
  const names = (a, b) => compare(a.name, b.name) || compare(a.member, b.member);
  return [...rows].sort((a, b) => turn * rank(a, b) || (key === 'name' ? turn : 1) * names(a, b));
}

function by(order, valueOf) {
  return (a, b) => order.indexOf(valueOf(a)) - order.indexOf(valueOf(b));
}

/** The sessions in which people wait while no chair is there to let them in. */
export function unattended(live, rows) {
  const roleOf = new Map(rows.map(({ member, role }) => [member, role]));
  const sessions = (live?.sessions ?? []).map((session) => {
    const present = session.present.filter(({ lost }) => !lost);
    const waiting = present.filter(({ in_lobby: waits }) => waits);
    const chairs = present.filter(({ member, role, in_lobby: waits }) => !waits && (role ?? roleOf.get(member)) === 'chair');
    return { id: session.id, waiting: waiting.length, chairs: chairs.length };
  });
  return sessions.filter(({ waiting, chairs }) => waiting > 0 && chairs === 0);
}
