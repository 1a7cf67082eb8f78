// The room: header, banners, stage, panel, own bar; what is said aloud when the floor changes.

import { button, el, setAttribute, setText, show } from './dom.js';
import { refusalText, texts } from './texts.js';
import { lateText } from './ui-agenda.js';
import { LobbyCard } from './ui-admit.js';
import { Bar } from './ui-bar.js';
import { openDialog } from './ui-dialog.js';
import { Keys } from './ui-keys.js';
import { languagePicker } from './ui-language.js';
import { Panel } from './ui-panel.js';
import { AdviceCard, QualitySign } from './ui-quality.js';
import { SessionControls } from './ui-session.js';
import { Stage } from './ui-stage.js';
import { Undo } from './ui-undo.js';
import { nameOf, pauseReason, standing } from './meeting.js';

/** Redrawing of the clocks, in ms: often enough that no second is seen to be skipped. */
const CLOCK_MS = 200;

/** A notice older than this is no news to who comes in, in ms. */
const NOTICE_MS = 60 * 60_000;

/** The time of the latest notice that was dismissed: it stays so while the screen is made anew. */
let dismissedAt = 0;

export class RoomScreen {
  static label = 'room';
  #parts;
  #clock = null;
  #unsubscribe = () => {};
  #unmuteDialog = null;

  constructor(given) {
    const { media, visit, ui } = given;
    const chairs = visit.member.role === 'chair';
    this.undo = new Undo(given);
    // The keys press what is made after them.
    this.keys = chairs ? new Keys(this.#acts()) : null;
    const parts = { ...given, undo: this.undo, keys: this.keys };
    this.#parts = parts;
    this.stage = new Stage(parts);
    this.panel = new Panel(parts);
    this.bar = new Bar(parts);
    this.controls = chairs ? new SessionControls(parts) : null;
    this.lobby = chairs ? new LobbyCard(parts) : null;
    this.sign = new QualitySign(parts);
    this.advice = new AdviceCard(parts);
    this.title = el('h1', { tabindex: '-1', 'data-home': !chairs });
    this.eventTitle = el('span', { class: 'event-name' });
    this.item = el('span', { class: 'item-now', testid: 'item-now' });
    this.chip = el('span', { class: 'chip', testid: 'session-state' });
    this.locked = el('span', { class: 'chip', testid: 'session-locked', text: () => texts.room.locked, hidden: true });
    this.banner = el('p', { class: 'banner-text' });
    this.soundButton = button(() => texts.room.turnSoundOn, {
      class: 'button button-primary', iconName: 'sound', testid: 'turn-sound-on',
      on: { click: () => media.turnSoundOn() },
    });
    this.goButton = button('', { class: 'button button-primary', testid: 'next-session', on: { click: () => visit.choose(visit.current) } });
    this.releaseButton = button(() => texts.chair.releasePriority, {
      class: 'button button-small', testid: 'banner-release', on: { click: () => this.undo.order('floor.release_priority') },
    });
    this.endStopButton = button(() => texts.session.endTechnicalStop, {
      class: 'button button-small', testid: 'banner-end-stop', on: { click: () => this.undo.order('session.end_technical_stop') },
    });
    this.banners = el('div', { class: 'banner', role: 'status', hidden: true },
      this.banner, this.soundButton, this.goButton, this.releaseButton, this.endStopButton);
    this.noticeText = el('p', { class: 'banner-text' });
    this.noticeBy = el('p', { class: 'notice-by' });
    this.notice = el('div', { class: 'banner notice-banner', testid: 'notice-banner', role: 'status', hidden: true },
      el('div', { class: 'notice-words' }, this.noticeBy, this.noticeText),
      button(() => texts.room.dismiss, { class: 'button button-small', testid: 'notice-dismiss', on: { click: () => this.#dismiss() } }));
    this.root = el('div', { class: `room ${this.controls ? 'room-chair' : ''}`, testid: 'room' },
      el('header', { class: 'room-header' },
        el('div', { class: 'room-title' }, el('p', { class: 'event-title' }, this.eventTitle, this.item), el('div', { class: 'title-line' }, this.title, this.chip, this.locked, this.sign.root)),
        languagePicker(), this.controls?.root),
      el('main', { class: 'room-main' }, this.stage.root, this.panel.root),
      el('div', { class: 'banners' }, this.banners, this.advice.root, this.notice, this.lobby?.root),
      this.bar.root);
  }

  opened() {
    // Who hears the page learns where they are, and the keyboard begins at the top.
    setText(this.title, this.#parts.meeting.state?.session.title ?? '');
    this.title.focus();
    this.stage.opened();
    this.#unsubscribe = this.#parts.quality.subscribe(() => this.#drawQuality());
    this.#clock = setInterval(() => {
      if (!this.#parts.meeting.state) return; // Left, and not yet drawn.
      this.stage.drawClocks();
      this.panel.drawClocks();
      this.bar.drawClock();
      this.#drawLine();
    }, CLOCK_MS);
  }

  close() {
    clearInterval(this.#clock);
    this.#unsubscribe();
    this.stage.close();
    this.panel.close();
    this.undo.close();
    this.keys?.close();
  }

  /** What a chair's keys do, by their letters; the words are `texts.keys.acts`. */
  #acts() {
    // The first of them in the page: a turn's buttons come before those of the people.
    const press = (...testids) => this.root.querySelector(testids.map((each) => `[data-testid="${each}"]`).join())?.click();
    return {
      n: () => press('next-speaker'),
      s: () => press('stop'),
      h: () => press('pause-clock', 'resume-clock'),
      e: () => press('floor.extend'),
      p: () => this.panel.card.controls.switchPriority(),
      u: () => this.undo.undo(),
      l: () => this.panel.goTo('floor'),
      f: () => this.panel.goTo('people'),
      i: () => press('agenda.next'),
      c: () => this.panel.goTo('chat'),
      a: () => this.lobby.root.hidden || this.lobby.admitAll(),
    };
  }

  draw() {
    const { meeting } = this.#parts;
    const { state } = meeting;
    if (!state) return;
    setText(this.title, state.session.title);
    this.#drawLine();
    show(this.locked, Boolean(state.session.locked));
    setText(this.chip, texts.sessionStates[state.session.state]);
    setAttribute(this.chip, 'data-state', state.session.state);
    setAttribute(this.root, 'data-session', state.session.state);
    this.controls?.draw();
    this.stage.draw();
    this.panel.draw();
    this.bar.draw();
    this.#drawBanner(state);
    this.#drawNotice(state);
    this.lobby?.draw();
    this.#drawQuality();
    this.#drawUnmute(state);
    this.#drawDocumentTitle(state);
  }

  #drawQuality() {
    this.sign.draw();
    this.advice.draw();
  }

  /** The event, the item that is on, and how late it runs. */
  #drawLine() {
    const { meeting, visit } = this.#parts;
    const { session } = meeting.state;
    const item = session.items?.find(({ id }) => id === session.item)?.title;
    setText(this.eventTitle, visit.event.title);
    setText(this.item, [session.state === 'closed' ? '' : item, lateText(session, visit.now())].filter(Boolean).join(' · '));
  }

  /** The latest notice, until it is dismissed; all of them stand with the agenda. */
  #drawNotice(state) {
    const { visit } = this.#parts;
    const latest = state.notices.at(-1);
    const shown = latest && latest.at > dismissedAt && visit.now() - latest.at < NOTICE_MS;
    show(this.notice, Boolean(shown));
    if (!shown) return;
    setText(this.noticeBy, texts.room.noticeBy(nameOf(state, latest.by)));
    setText(this.noticeText, latest.text);
  }

  #dismiss() {
    const { state } = this.#parts.meeting;
    dismissedAt = state.notices.at(-1)?.at ?? 0;
    this.#drawNotice(state);
  }

  /** One banner at a time, the worst first; it lies over the stage, so that nothing moves. */
  #drawBanner(state) {
    const { visit, media } = this.#parts;
    const other = visit.sessions.find(({ id }) => id === visit.current && id !== state.session.id);
    const moveOn = state.session.state === 'closed' && other;
    const text = visit.returning
      ? (visit.serverStopped ? texts.room.serverStopped : texts.room.returning)
      : media.status === 'refused' ? texts.room.mediaRefused(refusalText(media.refusal))
        : media.status === 'lost' ? texts.room.mediaLost
          : media.status === 'connecting' ? texts.room.mediaConnecting
            : media.soundBlocked ? texts.room.soundBlocked
              : visit.serverDraining ? texts.room.serverDraining
                : this.#stateText(state);
    const calm = !visit.returning && !visit.serverDraining && !media.soundBlocked && media.status === 'connected';
    setText(this.banner, text);
    setAttribute(this.banners, 'data-kind', calm ? 'calm' : media.status === 'connecting' || visit.serverDraining ? 'wait' : 'problem');
    show(this.soundButton, media.soundBlocked);
    show(this.goButton, Boolean(moveOn));
    if (moveOn) setText(this.goButton.querySelector('.button-text'), texts.room.goTo(other.title));
    const chair = visit.member.role === 'chair';
    show(this.releaseButton, chair && text === this.#priorityText(state));
    show(this.endStopButton, chair && text === texts.room.technicalStop);
    show(this.banners, text !== '' || media.soundBlocked);
  }

  #stateText(state) {
    switch (state.session.state) {
      case 'live':
        return this.#priorityText(state) ?? (state.floor.technical_stop ? texts.room.technicalStop
          : state.floor.chair_absent ? texts.room.chairAbsent : '');
      case 'paused':
        return texts.room.paused;
      case 'closed':
        return texts.room.closed;
      default:
        return texts.room.notOpen[state.session.state] ?? '';
    }
  }

  #priorityText({ floor, members }) {
    const { priority = null } = floor;
    if (!priority) return null;
    return priority === this.#parts.visit.member.id ? texts.room.priorityYours
      : texts.room.priority(members.get(priority)?.name ?? priority);
  }

  #drawUnmute(state) {
    const { visit, desk, ui } = this.#parts;
    const asked = standing(state, visit.member.id).mute === 'asked';
    if (!asked) {
      this.#unmuteDialog?.close();
      this.#unmuteDialog = null;
      return;
    }
    // Closed by Escape, it does not come back by itself: the bar's button does the same.
    this.#unmuteDialog ??= openDialog({
      title: () => texts.unmute.title, text: () => texts.unmute.text, testid: 'unmute-dialog',
      buttons: [button(() => texts.unmute.accept, {
        class: 'button button-primary button-large', iconName: 'microphone', testid: 'unmute-accept',
        on: { click: () => desk.openMicrophone().catch((error) => ui.notice(refusalText(error), 'problem')) },
      })],
    });
  }

  #drawDocumentTitle(state) {
    const { visit } = this.#parts;
    const { turn } = standing(state, visit.member.id);
    const title = `${state.session.title} – ${texts.product}`;
    document.title = turn && !pauseReason(state, turn) ? `● ${texts.own.speakingWaits[0]} – ${title}` : title;
  }

  /** Says what changed, to this member in the second person. */
  handleEvent(event) {
    const { visit, meeting, ui } = this.#parts;
    const me = visit.member.id;
    const own = event.member === me;
    const { announce } = texts;
    // What happened while this member was away is seen, but no news any more; the own floor is.
    if (visit.returning && !own) return;
    const name = meeting.state.members.get(event.member)?.name ?? event.member;
    const tell = (text) => ui.notice(text);
    switch (event.type) {
      case 'floor.granted':
        ui.announce(own ? announce.grantedYou : announce.granted(name));
        break;
      case 'floor.ended':
        if (!own) ui.announce(announce.ended(name));
        else if (event.requeued) tell(announce.endedYou.requeued);
        else if (event.reason === 'finished') ui.announce(announce.endedYou.finished);
        else tell(announce.endedYou[event.reason] ?? announce.endedYou.gone);
        break;
      case 'floor.missed':
        if (own) tell(event.requeued ? announce.missedYou : announce.missedYouOut);
        break;
      case 'floor.warned':
        if (own) tell(announce.warned(Math.round(event.remaining_ms / 1000)));
        break;
      case 'floor.overtime':
        if (own) tell(announce.overtime);
        break;
      case 'floor.clock_paused':
        if (own) ui.announce(event.by ? announce.clockPausedYou : announce.clockLostYou);
        break;
      case 'floor.clock_resumed':
        if (own) ui.announce(announce.clockResumedYou);
        break;
      case 'member.lost':
        if (!own && standing(meeting.state, event.member).turn) ui.announce(announce.lost(name));
        break;
      case 'floor.fading':
        if (own) tell(announce.fading(Math.round(event.over_ms / 1000)));
        break;
      case 'floor.extended':
        if (own) tell(announce.extended);
        break;
      case 'floor.requested':
        if (own && event.by) tell(announce.handPlaced);
        break;
      case 'floor.priority_taken':
      case 'floor.priority_released':
        if (event.by !== me) ui.announce(announce.floor[event.type]);
        break;
      case 'session.notice':
        ui.announce(event.text);
        break;
      case 'session.moved_on': {
        const title = visit.sessions.find(({ id }) => id === event.to)?.title;
        if (title) tell(announce.movedOn(title));
        break;
      }
      case 'session.spotlighted':
        if (own) tell(announce.spotlightYou);
        break;
      case 'chair.handed_over':
        if (event.to === me) tell(announce.chairYours);
        break;
      case 'member.picture_stopped':
        if (own) tell(announce.stoppedYou[event.source]);
        break;
      case 'member.picture_allowed':
        if (own) tell(announce.allowedYou[event.source]);
        break;
      case 'member.blocked':
        if (own) tell(announce.blockedYou);
        break;
      case 'member.unblocked':
        if (own) tell(announce.unblockedYou);
        break;
      case 'lobby.entered':
        // Its card is seen by itself.
        ui.announce(announce.lobbyEntered(event.name));
        break;
      case 'member.muted':
        if (own && event.by !== me) tell(announce.mutedYou);
        break;
      case 'floor.withdrawn':
        if (own && event.by !== me) tell(announce.handRemoved);
        break;
      default:
        // Whoever did it has seen it, and a pause or an end has its banner.
        if (announce.sessions[event.type] && event.by !== me) tell(announce.sessions[event.type]);
    }
  }
}
