// The buttons with which a chair acts on a member: those of a row, and the rest behind “More”.

import { button, el, icon, keyed, setAttribute, setDisabled } from './dom.js';
import { heardWithoutTurn, isPoint, nameOf, raisesHand, sendsMedia, standing } from './meeting.js';
import { texts } from './texts.js';

/** Each action on a member: its test id, its look, the request and its other fields. */
const ACTIONS = {
  grant: ['grant', '', 'floor.grant'],
  grantReply: ['floor.grant-response', '', 'floor.grant', { kind: 'response' }],
  stop: ['stop', 'button-danger', 'floor.stop'],
  pauseClock: ['pause-clock', '', 'floor.pause_clock'],
  resumeClock: ['resume-clock', 'button-primary', 'floor.resume_clock'],
  extend1: ['floor.extend', '', 'floor.extend', { by_ms: 60_000 }],
  extend2: ['floor.extend-2', '', 'floor.extend', { by_ms: 120_000 }],
  extend5: ['floor.extend-5', '', 'floor.extend', { by_ms: 300_000 }],
  insert: ['floor.insert', '', 'floor.insert'],
  insertFirst: ['floor.insert-first', '', 'floor.insert', { place: 1 }],
  up: ['floor.move-up', '', 'floor.move'],
  down: ['floor.move-down', '', 'floor.move'],
  removeHand: ['remove-hand', '', 'floor.remove'],
  removePoint: ['floor.remove-point', '', 'floor.remove', { point: true }],
  mute: ['mute', '', 'member.mute'],
  askUnmute: ['ask-unmute', '', 'member.ask_unmute'],
  block: ['member.block', '', 'member.block'],
  unblock: ['member.unblock', '', 'member.unblock'],
  stopCamera: ['member.stop_picture-camera', '', 'member.stop_picture', { source: 'camera' }],
  allowCamera: ['member.allow_picture-camera', '', 'member.allow_picture', { source: 'camera' }],
  stopScreen: ['member.stop_picture-screen', '', 'member.stop_picture', { source: 'screen' }],
  allowScreen: ['member.allow_picture-screen', '', 'member.allow_picture', { source: 'screen' }],
  spotlight: ['session.spotlight', '', 'session.spotlight'],
  spotlightOff: ['session.spotlight-off', '', 'session.spotlight', { member: null }],
  handOver: ['chair.hand_over', '', 'chair.hand_over'],
  takeChair: ['chair.hand_over', '', 'chair.hand_over'],
  sendBack: ['lobby.send_back', '', 'lobby.send_back'],
  remove: ['remove', 'button-danger-quiet', 'member.remove'],
  ban: ['member.remove-ban', 'button-danger-quiet', 'member.remove', { ban: true }],
};

/** What nothing takes back is asked about first. */
const QUESTIONS = {
  removeKind: [(name, kind) => texts.chair.removeKindTitle(name, kind), () => texts.chair.removeKindText],
  remove: [(name) => texts.chair.removeTitle(name), () => texts.chair.removeText],
  ban: [(name) => texts.chair.banTitle(name), () => texts.chair.banText],
};

/** What is seen of a clock alone, and has to be said to who does not see it. */
const ON_CLOCKS = ['pauseClock', 'resumeClock', 'extend1', 'extend2', 'extend5'];

/**
 * May be pressed several times on purpose: each does a little more of the same, and so is decided on what the
 * one before it has done.
 */
const STEPS = ['extend1', 'extend2', 'extend5', 'up', 'down'];

/** Resolves when the last step has been answered. */
let stepped = Promise.resolve();

/** What stands in the place of an action once it is done, by which a double press would undo it. */
const IN_PLACE_OF = {
  stop: 'grant', resumeClock: 'pauseClock', askUnmute: 'mute', unblock: 'block', allowCamera: 'stopCamera',
  allowScreen: 'stopScreen', spotlightOff: 'spotlight',
};

/** Actions by which somebody gets the floor. */
const GIVING = ['grant', 'grantReply'];

/** A row's buttons; those in `more` appear below it once “More” is pressed. */
export class Actions {
  #parts;
  #id;
  #wanted = [[], []];
  #expanded = false;
  /** The kind of the row's hand; null: it has none. */
  kind = null;

  constructor(parts, id) {
    this.#parts = parts;
    this.#id = id;
    this.root = el('div', { class: 'row-actions' });
  }

  draw(actions, more = []) {
    this.#wanted = [actions, more];
    const { state } = this.#parts.meeting;
    const id = this.#id;
    const wanted = [...actions, ...(more.length ? ['more'] : []), ...(this.#expanded ? more : [])];
    const { lost = false } = state.members.get(id) ?? {};
    const name = nameOf(state, id);
    const mayHaveFloor = state.session.state === 'live' && !lost;
    keyed(this.root, wanted, (action) => action,
      (action) => (action === 'more' ? this.#makeMore() : memberAction(this.#parts, action, id, () => this.kind)),
      (element, action) => {
        element.classList.toggle('action-below', this.#expanded && more.includes(action));
        if (GIVING.includes(action)) setDisabled(element, !mayHaveFloor);
        if (action === 'more') setAttribute(element, 'aria-expanded', this.#expanded ? 'true' : 'false');
        setAttribute(element, 'aria-label', action === 'more' ? texts.chair.moreOf(name) : texts.chair.of(texts.chair.long[action] ?? texts.chair[action], name));
      });
  }

  #makeMore() {
    return el('button', {
      type: 'button', class: 'button button-small button-more', testid: 'more', 'data-member': this.#id, title: () => texts.chair.more,
      on: {
        click: () => {
          this.#expanded = !this.#expanded;
          this.draw(...this.#wanted);
        },
      },
    }, icon('more'));
  }
}

/** What a chair can do to a hand on the list, as `[in the row, behind “More”]`. */
export function handActions(state, { member, kind, place }) {
  const moves = kind === 'speech';
  return [['grant'], [
    ...(moves && place > firstPlace(state, member) + 1 ? ['up'] : []),
    ...(moves && place < state.queue.length ? ['down'] : []),
    ...(moves ? ['grantReply'] : []), isPoint(kind) ? 'removePoint' : 'removeHand',
  ]];
}

/** The first place (from 0) to which a speech may be moved: behind points, replies and returned hands. */
export const firstPlace = ({ queue }, id) => queue.filter(({ member, kind, why }) =>
  kind !== 'speech' || (why === 'returned' && member !== id)).length;

/** What a chair can do to a member, as `[in the row, behind “More”]`, in the order of the table in protocol.md. */
export function memberActions(state, member) {
  const { id, role, mute, blocked = false, stopped = [] } = member;
  const { turn, hand } = standing(state, id);
  const speaks = raisesHand(role);
  const hasVoice = turn !== null || heardWithoutTurn(role, state) || mute !== 'none';
  const picture = (source, stop, allow) => (sendsMedia(role) ? [stopped.includes(source) ? allow : stop] : []);
  return [speaks && !turn ? ['grant'] : turn ? ['stop'] : [], [
    ...(speaks && !turn ? ['grantReply'] : []),
    ...(speaks && !turn && !hand ? ['insert', 'insertFirst'] : []),
    ...(hasVoice ? [mute === 'none' ? 'mute' : 'askUnmute'] : []),
    ...(speaks ? [blocked ? 'unblock' : 'block'] : []),
    ...picture('camera', 'stopCamera', 'allowCamera'),
    ...picture('screen', 'stopScreen', 'allowScreen'),
    ...(sendsMedia(role) ? [state.session.spotlight === id ? 'spotlightOff' : 'spotlight'] : []),
    ...(role === 'chair' ? ['handOver'] : ['sendBack']),
    'remove', 'ban',
  ]];
}

/** The button of an action (a key of `ACTIONS`) on a member; `kindOf()` is the kind of the row's hand. */
function memberAction({ ui, meeting, undo }, action, id, kindOf) {
  const [testid, look, type, fields] = ACTIONS[action];
  const act = async () => {
    const { state } = meeting;
    const kind = kindOf();
    // A chair puts a speech on the list again, but no reply and no point.
    const question = QUESTIONS[type === 'floor.remove' && kind && kind !== 'speech' ? 'removeKind' : action];
    if (question) {
      const [title, text] = question;
      const sure = await ui.confirm({
        title: title(nameOf(state, id), texts.kinds[kind]), text: text(), accept: () => texts.chair[action], cancel: () => texts.chair.cancel, danger: true,
      });
      if (!sure) return;
    }
    const done = await undo.order(type, { member: id, ...present(meeting.state, action, id, kind), ...fields });
    if (done && ON_CLOCKS.includes(action)) ui.announce(texts.chair.of(texts.chair.long[action], nameOf(meeting.state, id)));
  };
  const isStep = STEPS.includes(action);
  const step = () => {
    stepped = stepped.then(act, act);
  };
  const once = isStep ? null : IN_PLACE_OF[action] ?? action;
  const element = button(() => texts.chair[action], { class: `button button-small ${look}`, testid, once, on: { click: isStep ? step : act } });
  setAttribute(element, 'data-member', id);
  return element;
}

/** What a request says of the state that it was decided on. */
function present({ floor, queue, turns }, action, id, kind) {
  switch (action) {
    case 'grant':
      return { after_turn: floor.last_turn, ...(kind ? { kind } : {}) };
    case 'grantReply':
      return { after_turn: floor.last_turn };
    case 'up':
    case 'down': {
      const place = queue.findIndex((hand) => hand.member === id && hand.kind === 'speech') + 1;
      return { place: Math.max(1, action === 'up' ? place - 1 : place + 1), ...(place ? { from_place: place } : {}) };
    }
    case 'extend1':
    case 'extend2':
    case 'extend5': {
      const turn = turns.find(({ member }) => member === id);
      return turn ? { from_ms: turn.limit_ms } : {};
    }
    default:
      return {};
  }
}
