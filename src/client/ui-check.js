// The device check: who one is, what is on and when, the devices; and waiting for the opening.

import { button, el, icon, keyed, setAttribute, setButtonText, setDisabled, setIcon, setText, show } from './dom.js';
import { day, ownZone, sameWallClock, timeInBoth, timeOfDay, zoneName } from './format.js';
import { mayEnter } from './meeting.js';
import { texts } from './texts.js';
import { DevicePickers } from './ui-devices.js';
import { languagePicker } from './ui-language.js';
import { PathCard } from './ui-path.js';
import { addressOf, HeardQuestion, isEarly, PreflightCard } from './ui-preflight.js';

/** From so many minutes on a session is said to be late; after more, something else is the matter. */
const LATE_MINUTES = { least: 2, most: 12 * 60 };

export class CheckScreen {
  static label = 'check';
  #parts;
  #opened = false;
  #level = null;
  #frame = null;
  #countdown = null;

  constructor(parts) {
    this.#parts = parts;
    this.#buildDevices();
    this.#buildDetails();
    this.path = new PathCard(parts);
    this.preflight = parts.visit.checkOnly ? new PreflightCard(parts) : null;
    this.waiting = el('section', { class: 'card waiting-card', testid: 'waiting', 'aria-live': 'polite', hidden: true },
      el('div', { class: 'waiting-icon' }, icon('clock')),
      el('div', { class: 'waiting-words' },
        el('h2', { text: () => texts.waiting.heading }),
        this.waitingText = el('p'),
        this.waitingStart = el('p', { class: 'waiting-start' }),
        el('p', { class: 'muted', text: () => texts.waiting.keepOpen })),
      button(() => texts.waiting.back, { class: 'button', on: { click: () => parts.visit.stopWaiting() } }));
    this.connecting = el('p', { class: 'connecting', role: 'status' },
      el('span', { class: 'spinner', 'aria-hidden': 'true' }), this.connectingText = el('span'));
    this.body = el('div', { class: 'check-body' },
      el('div', { class: 'check-side' }, this.devicePanel, this.path.root),
      el('div', { class: 'check-side' }, this.details, this.preflight?.root ?? null));
    this.root = el('main', { class: `check-screen${parts.visit.checkOnly ? ' check-only' : ''}`, testid: 'check-screen' },
      el('header', { class: 'check-header' },
        el('div', { class: 'screen-top' }, el('p', { class: 'product', text: () => texts.product }), languagePicker()),
        this.heading = el('h1', { tabindex: '-1', 'data-home': true })),
      this.connecting, this.waiting, this.body);
    this.root.addEventListener('pointerdown', () => parts.devices.wake());
    this.root.addEventListener('keydown', () => parts.devices.wake());
  }

  close() {
    cancelAnimationFrame(this.#frame);
    clearInterval(this.#countdown);
    this.#parts.devices.stopMeter();
    this.#parts.path.stop();
    this.preview.srcObject = null;
  }

  opened() {
    // Times go on though nothing else happens.
    this.#countdown = setInterval(() => this.draw(), 10_000);
    const step = () => {
      this.#drawLevel();
      this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  draw() {
    const { visit, desk, devices } = this.#parts;
    const known = visit.member !== null;
    document.title = visit.session ? `${visit.session.title} – ${texts.product}` : texts.product;
    const entering = visit.phase === 'entering';
    show(this.connecting, !known || entering || visit.returning);
    setText(this.connectingText, visit.returning && visit.serverDraining ? texts.room.serverDraining
      : entering ? texts.entering
        : visit.returning ? texts.room.returning : texts.connecting);
    show(this.body, known);
    setText(this.heading, known ? visit.event.title : texts.connecting);
    if (!known) return;
    if (!this.#opened) {
      this.#opened = true;
      this.name.value = visit.typedName ?? visit.name;
      if (desk.sends && this.#lacksDevices()) devices.openAll();
    }
    this.#drawDetails();
    this.#drawDevices();
    this.#drawWaiting();
    const { path } = this.#parts;
    if (path.phase === 'idle' && !visit.returning) path.run(visit.iceServers);
    this.path.draw();
    this.preflight?.draw();
  }

  // --- Who and when ---

  #buildDetails() {
    const { visit } = this.#parts;
    this.name = el('input', {
      id: 'name', type: 'text', testid: 'name-input', autocomplete: 'name', maxlength: '80',
      'aria-describedby': 'name-hint', required: true,
      on: {
        input: ({ target }) => {
          visit.typedName = target.value;
        },
      },
    });
    this.nameHint = el('p', {
      id: 'name-hint', class: 'hint',
      text: () => (this.name.hasAttribute('aria-invalid') ? texts.check.nameMissing : texts.check.nameHint),
    });
    this.join = button('', { class: 'button button-primary button-large', testid: 'join-button', type: 'submit' });
    this.listen = button(() => texts.check.joinListening, {
      class: 'button button-large', testid: 'join-listening-button', on: { click: () => this.#enter(true) },
    });
    this.form = el('form', { class: 'join-form', novalidate: true },
      el('label', { for: 'name', text: () => texts.check.name }), this.name, this.nameHint,
      el('div', { class: 'join-buttons' }, this.join, this.listen));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#enter(!this.#parts.desk.sends);
    });
    this.stateChip = el('span', { class: 'chip', testid: 'session-state' });
    this.facts = el('dl', { class: 'facts' },
      el('dt', { text: () => texts.check.session }),
      el('dd', {}, this.sessionTitle = el('span', { class: 'session-title' }), ' ', this.stateChip),
      el('dt', { text: () => texts.check.starts }),
      el('dd', {}, this.start = el('span'), this.ownStart = el('span', { class: 'muted' }),
        this.late = el('span', { class: 'late-start', testid: 'late' })),
      el('dt', { text: () => texts.check.role }), this.role = el('dd'));
    this.programme = el('ol', { class: 'programme' });
    this.strange = el('p', { class: 'hint problem-text', hidden: true, text: () => texts.check.unknownSession });
    this.board = el('p', { class: 'early', hidden: true },
      el('span', { text: () => texts.check.boardOffer }),
      el('a', { class: 'button', testid: 'open-board', href: addressOf('/board'), text: () => texts.check.board }));
    this.early = el('p', { class: 'early', hidden: true },
      el('span', { text: () => texts.preflight.offer }),
      el('a', { class: 'button', testid: 'open-check', href: addressOf('/check'), text: () => texts.preflight.open }));
    this.details = el('section', { class: 'card details-card', 'aria-labelledby': 'welcome' },
      this.welcome = el('h2', { id: 'welcome' }),
      this.strange, this.facts, this.board, this.early, this.form,
      el('details', { class: 'all-sessions' },
        el('summary', { text: () => texts.check.otherSessions }), this.programme));
    this.choose = (id) => visit.choose(id);
  }

  #drawDetails() {
    const { visit, desk } = this.#parts;
    const { session, event, member } = visit;
    setText(this.welcome, texts.check.welcome(visit.name || member.name));
    setText(this.role, texts.check.roleOf(texts.roles[member.role], visit.delegation));
    show(this.listen, desk.sends);
    show(this.strange, visit.sessionUnknown);
    show(this.form, visit.phase !== 'waiting' && !visit.checkOnly);
    show(this.board, visit.member.role === 'organiser');
    show(this.early, !visit.checkOnly && isEarly(visit));
    if (!session) return;
    setText(this.sessionTitle, session.title);
    setText(this.stateChip, texts.sessionStates[session.state]);
    setAttribute(this.stateChip, 'data-state', session.state);
    setText(this.start, this.#startText(session));
    const { language } = texts;
    const same = sameWallClock(session.start, event.time_zone, language);
    setText(this.ownStart, same ? ''
      : texts.check.ownTime(`${timeOfDay(session.start, undefined, language)} (${zoneName(ownZone())})`));
    setText(this.late, this.#lateText(session));
    const open = mayEnter(member.role, session.state);
    setButtonText(this.join, !open ? texts.check.joinWaits
      : desk.sends ? texts.check.join : texts.check.joinListeningOnly);
    for (const enter of [this.join, this.listen]) setDisabled(enter, visit.phase === 'entering' || visit.returning);
    this.#drawProgramme();
  }

  #startText(session) {
    const { time_zone: zone } = this.#parts.visit.event;
    const { language } = texts;
    return `${day(session.start, zone, language)}, ${timeOfDay(session.start, zone, language)} `
      + `(${texts.check.inZone(zoneName(zone))}), ${texts.check.length(session.minutes)}`;
  }

  /** How late a session runs, or as it has not begun; '' where it is on time or over. */
  #lateText(session) {
    const waits = ['scheduled', 'prepared'].includes(session.state);
    const overdue = waits ? this.#parts.visit.now() - session.start : 0;
    const minutes = Math.floor(Math.max((session.late_s ?? 0) * 1000, overdue) / 60_000);
    const said = session.state !== 'closed' && minutes >= LATE_MINUTES.least && minutes <= LATE_MINUTES.most;
    return said ? texts.check.late(minutes) : '';
  }

  #drawProgramme() {
    const { visit } = this.#parts;
    keyed(this.programme, visit.sessions, (session) => session.id,
      (session) => {
        const item = el('li', { 'data-session': session.id });
        item.title_ = el('span', { class: 'programme-title' });
        item.when = el('span', { class: 'muted' });
        item.pick = button('', {
          class: 'button button-small', testid: 'choose-session', 'data-session': session.id,
          on: { click: () => this.choose(session.id) },
        });
        item.append(el('div', {}, item.title_, item.when), item.pick);
        return item;
      },
      (item, session) => {
        const { event } = visit;
        setText(item.title_, session.title);
        setText(item.when, [`${day(session.start, event.time_zone, texts.language)}, `
          + `${timeInBoth(session.start, event.time_zone, texts.language)} – ${texts.sessionStates[session.state]}`,
        this.#lateText(session)].filter(Boolean).join('. '));
        const chosen = session.id === visit.session?.id;
        setButtonText(item.pick, chosen ? texts.check.chosenSession : texts.check.chooseSession);
        setDisabled(item.pick, chosen);
      });
  }

  async #enter(listening) {
    const { visit, desk } = this.#parts;
    const name = this.name.value.trim();
    setAttribute(this.name, 'aria-invalid', name ? null : 'true');
    setText(this.nameHint, name ? texts.check.nameHint : texts.check.nameMissing);
    if (!name) {
      this.name.focus();
      return;
    }
    if (listening) desk.listenOnly();
    await visit.enter(name);
  }

  #drawWaiting() {
    const { visit } = this.#parts;
    const waiting = visit.phase === 'waiting' && visit.session;
    show(this.waiting, Boolean(waiting));
    if (!waiting) return;
    const { session, event } = visit;
    setText(this.waitingText, texts.waiting.text[session.state] ?? texts.waiting.text.scheduled);
    const minutes = Math.round((session.start - visit.now()) / 60_000);
    const planned = texts.waiting.starts(
      `${timeOfDay(session.start, event.time_zone, texts.language)} (${texts.check.inZone(zoneName(event.time_zone))})`);
    const soon = session.state !== 'closed' && minutes >= 0 && minutes < 24 * 60;
    setText(this.waitingStart, soon ? `${planned}. ${texts.waiting.inTime(minutes)}.` : `${planned}.`);
  }

  // --- Devices ---

  #buildDevices() {
    const { desk, devices } = this.#parts;
    this.preview = el('video', { class: 'preview-video', autoplay: true, muted: true, playsinline: true, 'aria-label': () => texts.check.camera });
    this.preview.muted = true;
    this.previewNote = el('p', { class: 'preview-note' });
    this.microphoneSwitch = button('', {
      class: 'switch', iconName: 'microphone', testid: 'check-mic-toggle',
      on: { click: () => desk.setMicrophone(!(desk.microphoneOn && devices.microphone)) },
    });
    this.cameraSwitch = button('', {
      class: 'switch', iconName: 'camera', testid: 'check-camera-toggle',
      on: { click: () => desk.setCamera(devices.camera === null) },
    });
    this.meterBar = el('div', { class: 'meter-bar' });
    this.meter = el('div', {
      class: 'meter', role: 'meter', 'aria-label': () => texts.check.level,
      'aria-valuemin': '0', 'aria-valuemax': '100', testid: 'level-meter',
    }, this.meterBar);
    this.levelRow = el('div', { class: 'level' }, icon('microphone'), this.meter);
    this.meterHint = el('p', { class: 'hint' });
    this.problems = el('div', { class: 'device-problems', role: 'status' });
    this.pickers = new DevicePickers(this.#parts, 'check');
    const { rows, test } = this.pickers;
    this.heard = new HeardQuestion(this.#parts, test);
    this.sending = el('div', { class: 'sending-devices' },
      el('div', { class: 'preview' }, this.preview, this.previewNote,
        el('div', { class: 'preview-switches' }, this.microphoneSwitch, this.cameraSwitch)),
      this.problems,
      this.levelRow,
      this.meterHint, rows.microphone, rows.camera);
    this.listenerNote = el('p', { class: 'listener-note', text: () => texts.check.listenerRole, hidden: true });
    this.devicePanel = el('section', { class: 'card devices-card', 'aria-labelledby': 'devices-heading' },
      el('h2', { id: 'devices-heading', text: () => texts.check.heading }),
      this.listenerNote, this.sending,
      el('div', { class: 'speaker-test' }, rows.speaker, test,
        el('p', { class: 'hint', text: () => texts.check.testSoundHint }), this.heard.root));
  }

  #drawDevices() {
    const { desk, devices } = this.#parts;
    show(this.sending, desk.sends);
    show(this.listenerNote, !desk.sends);
    this.pickers.draw();
    this.heard.draw();
    // The hint beside the level is put anew, in whatever language.
    this.#level = null;
    if (!desk.sends) return;
    this.#drawPreview(devices.camera);
    const asking = !devices.camera && !devices.problems.camera && desk.cameraOn && !desk.soundOnly;
    setText(this.previewNote, asking ? texts.check.cameraWaiting : texts.check.cameraOff);
    show(this.previewNote, !devices.camera);
    this.#drawSwitch(this.microphoneSwitch, 'microphone', desk.microphoneOn && devices.microphone,
      [texts.bar.mute, texts.bar.unmute]);
    this.#drawSwitch(this.cameraSwitch, 'camera', devices.camera, [texts.bar.stopCamera, texts.bar.startCamera]);
    show(this.levelRow, devices.microphone !== null);
    show(this.meterHint, devices.microphone !== null);
    this.#drawProblems();
  }

  /** Whether a device that is wanted was not tried yet: another check finds them as the last one left them. */
  #lacksDevices() {
    const { desk, devices } = this.#parts;
    const untried = (kind) => !devices[kind] && !devices.problems[kind];
    return (desk.microphoneOn && untried('microphone')) || (desk.cameraOn && !desk.soundOnly && untried('camera'));
  }

  #drawPreview(track) {
    if (this.previewTrack === track) return;
    this.previewTrack = track;
    this.preview.srcObject = track ? new MediaStream([track]) : null;
    show(this.preview, track !== null);
  }

  #drawSwitch(element, name, on, [whenOn, whenOff]) {
    setIcon(element, on ? name : `${name}Off`);
    setButtonText(element, on ? whenOn : whenOff);
    setAttribute(element, 'data-on', on ? 'yes' : 'no');
  }

  #drawProblems() {
    const { devices, desk } = this.#parts;
    const shown = ['microphone', 'camera']
      .filter((kind) => devices.problems[kind] && (kind === 'camera' ? desk.cameraOn : desk.microphoneOn))
      .map((kind) => ({ kind, reason: devices.problems[kind] }));
    // What concerns both at once is said once.
    const both = shown.length === 2 && shown[0].reason === shown[1].reason;
    const problems = both ? [{ kind: 'both', reason: shown[0].reason }] : shown;
    keyed(this.problems, problems, ({ kind, reason }) => `${kind}-${reason}-${texts.language}`,
      ({ kind, reason }) => this.#makeProblem(kind, reason), () => {});
  }

  #makeProblem(kind, reason) {
    const { devices } = this.#parts;
    const { title, next } = texts.check.devices[reason];
    const hopeless = ['insecure', 'unsupported'].includes(reason);
    return el('div', { class: 'problem', testid: 'device-problem', 'data-code': reason },
      icon('warning'),
      el('div', {},
        el('p', {
          class: 'problem-title',
          text: typeof title === 'function' ? title(texts.check.deviceWords[kind], kind === 'both') : title,
        }),
        el('p', { text: next })),
      hopeless ? null : button(() => texts.check.tryAgain, {
        class: 'button button-small', on: { click: () => (kind === 'both' ? devices.openAll() : devices.open(kind)) },
      }));
  }

  #drawLevel() {
    const { devices, desk, visit } = this.#parts;
    if (!desk.sends) return;
    const level = desk.microphoneOn ? devices.level() : 0;
    const percent = Math.round((level ?? 0) * 100);
    if (percent === this.#level && level !== null) return;
    this.#level = percent;
    this.meterBar.style.transform = `scaleX(${percent / 100})`;
    setAttribute(this.meter, 'aria-valuenow', percent);
    const note = texts.check.microphoneNote[visit.member.role] ?? '';
    setText(this.meterHint, level === null ? texts.check.levelWaits : `${texts.check.speakNow} ${note}`);
  }
}
