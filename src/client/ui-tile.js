// One tile of the stage: a member's picture or initials, or a shared screen, with name, state and clock.

import { el, icon, setAttribute, setText, show } from './dom.js';
import { initials, timeLeft } from './format.js';
import { pauseReason, spentMs, standing } from './meeting.js';
import { texts } from './texts.js';

/** What a screen's tile is called before its member's id. */
export const SCREEN = 'screen:';

/** A picture that has not changed for so long is a camera that was switched off, in ms. */
const STILL_MS = 2500;

/** A tile from this width on has large words, one below that the least, in CSS pixels. */
const BIG = 420;
const TINY = 150;

export function makeTile(id, { visit }) {
  const tile = el('article', { class: 'tile', 'data-member': id });
  tile.video = el('video', { autoplay: true, playsinline: true, muted: true });
  tile.video.muted = true;
  tile.initials = el('span', { class: 'avatar' });
  // Over the picture rather than in its place: a hidden video is not told to have new frames.
  tile.avatar = el('div', { class: 'cover', 'aria-hidden': 'true' }, tile.initials);
  tile.flag = el('span', { class: 'flag' });
  tile.stands = el('span', { class: 'stands', title: () => texts.room.stands, hidden: true }, icon('warning'),
    el('span', { class: 'visually-hidden', text: () => texts.room.stands }));
  tile.voice = el('span', { class: 'voice', 'aria-hidden': 'true' }, el('i'), el('i'), el('i'));
  tile.nameText = el('span', { class: 'tile-name' });
  tile.delegation = el('span', { class: 'tile-delegation' });
  tile.clock = el('span', { class: 'tile-clock', 'aria-hidden': 'true', hidden: true });
  tile.frame = el('div', { class: 'tile-frame' }, tile.video, tile.avatar, tile.flag,
    el('p', { class: 'tile-label' },
      el('span', { class: 'tile-who' }, tile.nameText, tile.delegation), tile.stands, tile.voice, tile.clock));
  tile.append(tile.frame);
  if (id === visit.member.id) tile.classList.add('tile-self');
  return tile;
}

/** Brings a tile up to date; `large`: it is the one, or one of the few, that all look at. */
export function drawTile(tile, id, large, parts) {
  if (id.startsWith(SCREEN)) drawScreen(tile, id.slice(SCREEN.length), parts);
  else drawMember(tile, id, large, parts);
}

/** Puts a tile where it belongs. */
export function placeTile(tile, { left, top, width, height }) {
  tile.style.transform = `translate(${left}px, ${top}px)`;
  tile.style.width = `${width}px`;
  tile.style.height = `${height}px`;
  tile.classList.toggle('tile-tiny', width < TINY);
  tile.classList.toggle('tile-big', width > BIG);
}

/** The time that a speaker has left, on a large tile alone. */
export function drawTileClock(tile, { meeting, visit }) {
  const { state } = meeting;
  const turn = tile.classList.contains('tile-large') ? state.turns.find(({ member }) => member === tile.dataset.member) : null;
  show(tile.clock, Boolean(turn));
  if (!turn) return;
  const { text, state: time } = timeLeft(turn.limit_ms - spentMs(turn, visit.now()), state.profile.warning_ms);
  setText(tile.clock, text);
  setAttribute(tile.clock, 'data-time', time);
}

/** A slot may go on naming a member whose camera is off: no frozen pictures. */
export function watchPicture(tile, now) {
  // A screen stands still as long as nothing changes on it.
  if (!tile.video.srcObject || tile.classList.contains('tile-screen')) return;
  // Firefox counts no frames of a stream; Chromium presents none of what is scrolled away.
  const frames = tile.video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
  const shows = tile.classList.contains('has-picture');
  if (frames !== tile.frames || (shows && document.hidden)) tile.movedAt = now;
  tile.frames = frames;
  tile.classList.toggle('has-picture', now - tile.movedAt < STILL_MS);
}

function drawScreen(tile, id, { media, meeting }) {
  const stream = media.screenStream(id);
  if (tile.video.srcObject !== stream) playIn(tile, stream);
  tile.classList.add('tile-large', 'tile-screen');
  setAttribute(tile, 'data-testid', 'screen-tile');
  setText(tile.nameText, texts.room.screenOf(meeting.state.members.get(id).name));
  setAttribute(tile, 'aria-label', tile.nameText.textContent);
  show(tile.flag, false);
}

function drawMember(tile, id, large, { visit, media, meeting, devices }) {
  const { state } = meeting;
  const self = id === visit.member.id;
  const member = state.members.get(id);
  const stream = self ? ownStream(tile, devices.camera) : media.cameraStream(id);
  if (tile.video.srcObject !== stream) playIn(tile, stream);
  setAttribute(tile, 'data-testid', self ? 'self-tile' : stream ? 'video-tile' : 'avatar-tile');
  setAttribute(tile.frame, 'data-testid', large ? 'speaker-tile' : null);
  setAttribute(tile.frame, 'data-member', large ? id : null);
  tile.classList.toggle('tile-large', large);
  const { turn, place } = standing(state, id);
  const paused = Boolean(turn && pauseReason(state, turn));
  setAttribute(tile, 'data-floor', member.lost ? 'lost' : turn
    ? (member.mute !== 'none' || paused ? 'muted' : turn.phase) : (place ? 'waiting' : null));
  const audible = visit.speaking.includes(id);
  setAttribute(tile, 'data-audible', audible ? 'yes' : null);
  show(tile.stands, !self && media.slots.some((slot) => slot.member === id && slot.source === 'camera' && slot.paused));
  setText(tile.initials, initials(member.name));
  setText(tile.nameText, self ? texts.room.selfName(member.name) : member.name);
  setText(tile.delegation, subtitle(member, visit));
  drawFlag(tile.flag, turn, place, member, paused);
  drawTileClock(tile, { meeting, visit });
  setAttribute(tile, 'aria-label', [member.name, visit.delegationName(member.delegation), tile.flag.textContent]
    .filter(Boolean).join(', '));
}

function subtitle(member, visit) {
  const delegation = visit.delegationName(member.delegation);
  const role = texts.roles[member.role];
  // A seat's name may be its role and delegation, until its person gives another.
  if (!role || member.role === 'delegate' || member.name.startsWith(role)) return delegation;
  return [role, delegation].filter(Boolean).join(', ');
}

function drawFlag(flag, turn, place, member, paused) {
  const word = member.lost ? texts.room.lost : turn
    ? (paused ? texts.room.pausedShort : member.mute !== 'none' ? texts.room.muted
      : turn.phase === 'speaking' ? texts.room.speaking : texts.room.offeredShort)
    : place ? texts.room.waitingPlace(place) : '';
  if (flag.dataset.word === word) return;
  flag.dataset.word = word;
  // Small tiles show the hand and the number alone (stage.css).
  flag.replaceChildren(...(place && !turn && !member.lost
    ? [icon('hand'), el('span', { class: 'flag-word', text: word }), el('span', { class: 'flag-short', 'aria-hidden': 'true', text: String(place) })]
    : [word]));
  show(flag, word !== '');
}

function playIn(tile, stream) {
  tile.classList.remove('has-picture');
  tile.video.srcObject = stream;
  tile.frames = 0;
  tile.movedAt = -Infinity;
  if (!stream) return;
  tile.video.play().catch(() => {});
  const presented = () => {
    if (tile.video.srcObject !== stream) return;
    tile.movedAt = performance.now();
    tile.classList.add('has-picture');
    tile.video.requestVideoFrameCallback(presented);
  };
  tile.video.requestVideoFrameCallback?.(presented);
}

/** The own camera as a stream, the same one as long as the track is. */
function ownStream(tile, track) {
  if (tile.ownTrack !== track) {
    tile.ownTrack = track;
    tile.ownStream = track && new MediaStream([track]);
  }
  return tile.ownStream ?? null;
}
