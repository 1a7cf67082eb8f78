// The room: header, banners, stage, panel, own bar; what is said aloud when the floor changes.

import { button, el, setAttribute, setText, show } from './dom.js';
import { texts } from './texts.js';
import { Bar } from './ui-bar.js';
import { SessionControls } from './ui-chair.js';
import { openDialog } from './ui-dialog.js';
import { Panel } from './ui-panel.js';
import { Stage } from './ui-stage.js';
import { standing } from './meeting.js';

/** Redrawing of the clocks, in ms: often enough that no second is seen to be skipped. */
const CLOCK_MS = 200;

export class RoomScreen {
  static label = 'room';
  #parts;
  #clock = null;
  #unmuteDialog = null;

  constructor(parts) {
    this.#parts = parts;
    const { media, visit } = parts;
    this.stage = new Stage(parts);
    this.panel = new Panel(parts);
    this.bar = new Bar(parts);
    this.controls = visit.member.role === 'chair' ? new SessionControls(parts) : null;
    this.title = el('h1');
    this.eventTitle = el('p', { class: 'event-title' });
    this.chip = el('span', { class: 'chip', testid: 'session-state' });
    this.banner = el('p', { class: 'banner-text' });
    this.soundButton = button(texts.room.turnSoundOn, {
      class: 'button button-primary', iconName: 'sound', testid: 'turn-sound-on',
      on: { click: () => media.turnSoundOn() },
    });
    this.goButton = button('', { class: 'button button-primary', testid: 'next-session', on: { click: () => visit.choose(visit.current) } });
    this.banners = el('div', { class: 'banner', role: 'status', hidden: true }, this.banner, this.soundButton, this.goButton);
    this.root = el('div', { class: `room ${this.controls ? 'room-chair' : ''}`, testid: 'room' },
      el('header', { class: 'room-header' },
        el('div', { class: 'room-title' }, this.eventTitle, el('div', { class: 'title-line' }, this.title, this.chip)),
        this.controls?.root),
      el('main', { class: 'room-main' }, this.stage.root, this.banners, this.panel.root),
      this.bar.root);
  }

  opened() {
    this.stage.opened();
    this.#clock = setInterval(() => {
      if (!this.#parts.meeting.state) return; // Left, and not yet drawn.
      this.panel.drawClocks();
      this.bar.drawClock();
    }, CLOCK_MS);
  }

  close() {
    clearInterval(this.#clock);
    this.stage.close();
  }

  draw() {
    const { meeting, visit } = this.#parts;
    const { state } = meeting;
    if (!state) return;
    setText(this.title, state.session.title);
    setText(this.eventTitle, visit.event.title);
    setText(this.chip, texts.sessionStates[state.session.state]);
    setAttribute(this.chip, 'data-state', state.session.state);
    setAttribute(this.root, 'data-session', state.session.state);
    this.controls?.draw();
    this.stage.draw();
    this.panel.draw();
    this.bar.draw();
    this.#drawBanner(state);
    this.#drawUnmute(state);
    this.#drawDocumentTitle(state);
  }

  /** One banner at a time, the worst first; it lies over the stage, so that nothing moves. */
  #drawBanner(state) {
    const { visit, media } = this.#parts;
    const other = visit.sessions.find(({ id }) => id === visit.current && id !== state.session.id);
    const moveOn = state.session.state === 'closed' && other;
    const text = visit.returning
      ? (visit.serverStopped ? texts.room.serverStopped : texts.room.returning)
      : media.status === 'refused' ? texts.room.mediaRefused(media.refusal)
        : media.status === 'lost' ? texts.room.mediaLost
          : media.status === 'connecting' ? texts.room.mediaConnecting
            : media.soundBlocked ? texts.room.soundBlocked
              : visit.serverDraining ? texts.room.serverDraining
                : this.#stateText(state.session.state);
    const calm = !visit.returning && !visit.serverDraining && !media.soundBlocked && media.status === 'connected';
    setText(this.banner, text);
    setAttribute(this.banners, 'data-kind', calm ? 'calm' : media.status === 'connecting' || visit.serverDraining ? 'wait' : 'problem');
    show(this.soundButton, media.soundBlocked);
    show(this.goButton, Boolean(moveOn));
    if (moveOn) setText(this.goButton.querySelector('.button-text'), texts.room.goTo(other.title));
    show(this.banners, text !== '' || media.soundBlocked);
  }

  #stateText(sessionState) {
    switch (sessionState) {
      case 'paused':
        return texts.room.paused;
      case 'closed':
        return texts.room.closed;
      default:
        return texts.room.notOpen[sessionState] ?? '';
    }
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
      title: texts.unmute.title, text: texts.unmute.text, testid: 'unmute-dialog',
      buttons: [button(texts.unmute.accept, {
        class: 'button button-primary button-large', iconName: 'microphone', testid: 'unmute-accept',
        on: { click: () => desk.openMicrophone().catch((error) => ui.notice(error.message, 'problem')) },
      })],
    });
  }

  #drawDocumentTitle(state) {
    const { visit } = this.#parts;
    const { turn } = standing(state, visit.member.id);
    const title = `${state.session.title} – ${texts.product}`;
    document.title = turn ? `● ${texts.own.speakingWaits[0]} – ${title}` : title;
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
