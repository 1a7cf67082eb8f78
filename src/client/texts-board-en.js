// Every text of the organiser's board in English. Each other language is an object of the same form.

const people = (count) => (count === 1 ? '1 person' : `${count} people`);

export const boardEnglish = {
  title: 'Organiser’s board',
  connecting: 'Asking the server…',
  inZone: (zone) => `${zone} time`,
  updated: (time) => `As of ${time}`,
  pausedAt: (time) => `Paused at ${time}`,
  pause: 'Pause updates',
  resume: 'Go on',

  lobbyWaits: (count, session, chairs) => `${people(count)} ${count === 1 ? 'waits' : 'wait'} in the lobby of “${session}”, and no chair is there. `
    + `Call a chair${chairs ? `: ${chairs}` : ''}.`,

  sessions: {
    title: 'Sessions',
    planned: (day, time, minutes) => `${day}, ${time}, ${minutes} min`,
    late: (minutes) => `runs ${minutes} min late`,
    item: (title) => `Now: ${title}`,
    none: 'This event has no sessions.',
    present: (count) => `${count} in`,
    presentLabel: (count, title) => `${count} in: show who is in “${title}”`,
    lobby: (count) => `${count} in the lobby`,
    lobbyLabel: (count, title) => `${count} in the lobby: show who waits for “${title}”`,
    speaking: (names) => `Has the floor: ${names}`,
    queue: (count) => `Hands waiting: ${count}`,
  },

  roster: {
    title: 'Members',
    search: 'Search by name or delegation',
    session: 'Session',
    everywhere: 'All sessions',
    sort: 'Sort by',
    filter: 'Show',
    shown: (shown, all) => (shown === all ? `${all} members` : `${shown} of ${all} members`),
    nobody: 'Nobody fits this choice.',
    showAll: 'Show all',
    columns: {
      name: 'Member', delegation: 'Delegation', role: 'Role', check: 'Check', place: 'Now', line: 'Line', link: 'Link',
    },
    filters: {
      all: 'All', unchecked: 'Not yet checked', tcp: 'TCP only', relay: 'By relay', failed: 'Check failed',
      here: 'Here', lobby: 'In the lobby', away: 'Not here', poor: 'Poor line',
    },
  },

  // The night before, this is what an organiser wants to know.
  summary: {
    checked: ({ checked, all, checkedUdp, checkedTcp, checkedRelay, failed, unchecked }) => `${checked} of ${all} checked: ${[
      `${checkedUdp} UDP`, `${checkedTcp} TCP only`, checkedRelay ? `${checkedRelay} by relay` : '', failed ? `${failed} failed` : '',
    ].filter(Boolean).join(', ')}; ${unchecked} not yet`,
    here: ({ here, lobby, poor }) => [
      here ? `${here} here now` : 'Nobody is here now',
      lobby ? `${lobby} in the lobby` : '', poor ? `${poor} with a poor line` : '',
    ].filter(Boolean).join(', '),
  },

  check: {
    verdicts: { udp: 'UDP', tcp: 'TCP only', relay: 'By relay', none: 'Failed', unchecked: 'Not yet' },
    detail: (ms, loss) => `${ms}\u00a0ms, loss\u00a0${loss}\u00a0%`,
    devices: { microphone: 'no microphone', camera: 'no camera', speaker: 'no sound' },
  },

  place: {
    in: 'Here', lobby: 'In the lobby', lost: 'Connection lost', away: 'Not here',
    since: (time) => `since ${time}`,
  },

  line: {
    good: 'Good', fair: 'Fair', poor: 'Poor', unknown: 'Measuring…',
    udp: 'UDP', tcp: 'TCP',
    roundTrip: (ms) => `${ms} ms`,
    loss: (up, down) => `loss ↑ ${up} ↓ ${down} %`,
    rate: (up, down) => `↑\u00a0${up} ↓\u00a0${down}\u00a0Mbit/\u2060s`,
    spoken: (ms, lossUp, lossDown, up, down) => `Round trip ${ms} milliseconds; loss ${lossUp} per cent up, ${lossDown} per cent down; `
      + `${up} megabits a second up, ${down} down`,
  },

  link: {
    valid: (day) => `Valid until ${day}`,
    used: (used, uses) => `used on ${used} of ${uses} devices`,
    several: (count, day) => `${count} links, one valid until ${day}`,
    over: 'Withdrawn or expired',
    none: 'None made yet',
    copy: 'Copy',
    copied: 'Copied',
    renew: 'New…',
    withdraw: 'Withdraw…',
    of: (action, name) => `${action.replace('…', '')}: link of ${name}`,
    copiedOf: (name) => `The link of ${name} is copied. Send it to this person alone.`,
    newTitle: (name) => `New link for ${name}`,
    newText: 'Links made before stay valid until they are withdrawn.',
    expires: 'Valid',
    expiry: { event: 'Until a day after the event', 1: 'For a day', 7: 'For a week', 30: 'For 30 days' },
    uses: 'Opens on',
    useCounts: (count) => (count === 0 ? 'Any number of devices' : count === 1 ? 'One device' : `${count} devices`),
    make: 'Make the link',
    madeTitle: (name) => `The link of ${name}`,
    madeText: 'Whoever has this link enters under this name. Send it to this person alone.',
    byHand: 'The browser does not let this page copy: press Ctrl+C (⌘C).',
    copyLink: 'Copy the link',
    withdrawTitle: (name) => `Withdraw the link of ${name}?`,
    withdrawText: 'It opens nothing from now on, and whoever is in by it is put out at once. This cannot be undone; you can make a new link.',
    withdrawAll: (count) => (count > 1 ? `Every link (${count})` : 'Every link made so far'),
    withdrawOne: (day) => `The one valid until ${day}`,
    withdrawAccept: 'Withdraw',
    withdrawn: (name) => `The link of ${name} is withdrawn.`,
    all: 'All links (CSV)',
    allTitle: 'All links in one file?',
    allText: 'The table has a link for every member, for a mail merge. Whoever has the file can enter as anybody: keep it safe, and delete it afterwards.',
    allAccept: 'Save the file',
    cancel: 'Cancel',
    close: 'Close',
  },

  record: {
    open: 'Record…',
    title: 'The record',
    text: 'Attendance, speaking times, chat and decisions so far.',
    document: 'Document (Markdown)',
    data: 'Data (JSON)',
    tables: 'Tables (CSV)',
    table: {
      attendance: 'Attendance', turns: 'Turns', 'speaking-by-member': 'Speaking time by person',
      'speaking-by-delegation': 'Speaking time by delegation', 'speaking-by-item': 'Speaking time by agenda item',
      chat: 'Chat', decisions: 'Decisions', recommendations: 'Recommendations',
    },
    broken: (said) => `The record is not whole: ${said}. Run “roundtable verify” on the server before you use it.`,
    saved: (file) => `Saved: ${file}`,
  },

  // What went wrong, and what to do next. `said` is what the server says.
  problems: {
    unreachable: 'The server cannot be reached. Check your connection; this page goes on trying.',
    stale: (time) => `The server cannot be reached: what is shown is of ${time}. Check your connection; this page goes on trying.`,
    401: () => 'This link opens the board no more. Open it anew by your newest organiser’s link.',
    403: (said) => `Your token does not allow this: ${said}. Use your organiser’s link, or a token with this scope.`,
    404: (said) => `The server knows nothing of this any more: ${said}. Reload the page.`,
    notServed: () => 'The server serves another event now, so nothing is known of it. Start it with this event.',
    429: () => 'That was too often. This page waits a little and goes on by itself.',
    server: (said) => `The server has failed: ${said}. Try again; if it stays so, look into its log.`,
    other: (said) => `The server refused: ${said}`,
    part: (part, why) => `${part}: ${why}`,
    parts: {
      event: 'The event', live: 'Who is here', sessions: 'Sessions', checks: 'Pre-flight checks', invites: 'Links', members: 'Members',
    },
  },

  endings: {
    no_link: {
      title: 'You need an organiser’s link',
      text: 'This is the organiser’s board of a Roundtable event.',
      next: 'Open your invite link as organiser and press “Open the board” there, or open this page with an API token behind the #.',
    },
    not_organiser: {
      title: 'The board is for organisers',
      text: 'This link is a participant’s: it opens the meeting, not the board.',
      next: 'Take part in the meeting by it. If you organise the event, use your organiser’s link or ask for one.',
      enter: 'Go to the meeting',
    },
    refused: {
      title: 'This link does not open the board',
      text: 'It is damaged, has expired or was withdrawn.',
      next: 'Use your newest organiser’s link. On the server, “roundtable invite” prints it anew.',
    },
    no_scope: {
      title: 'This token may not read the event',
      text: 'The board needs a token with the scope “read”.',
      next: 'Make one on the server with “roundtable token”, or use your organiser’s link.',
    },
    no_event: {
      title: 'There is no such event here',
      text: 'The server has no event that this token may see.',
      next: 'Import the event on the server with “roundtable event import”, then reload this page.',
    },
    whatNext: 'What you can do',
    tryAgain: 'Try again',
  },
};
