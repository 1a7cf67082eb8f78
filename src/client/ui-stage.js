// The stage: the tiles of those who are seen, the speakers large, the others in a grid.

import { arrange } from './arrange.js';
import { el, icon, keyed, setAttribute, setText, show } from './dom.js';
import { initials } from './format.js';
import { standing } from './meeting.js';
import { texts } from './texts.js';

/** More holders of the floor than this are shown in one grid of equals. */
const LARGE_MAX = 4;

/** What a screen's tile is called before its member's id. */
const SCREEN = 'screen:';

/** The height that is asked for while nobody is seen yet, in pixels. */
const OTHER_HEIGHT = 360;

/** Pictures that are asked for at most; the server's own bound. */
const VIEW_MAX = 64;

/** A picture that has not changed for so long is a camera that was switched off, in ms. */
const STILL_MS = 2500;
const WATCH_MS = 500;

/** An element that plays one audio slot; nobody needs to see it. */
export function makeAudio() {
  const audio = el('audio', { autoplay: true, class: 'slot-audio' });
  document.body.append(audio);
  return audio;
}

export class Stage {
  #parts;
  #lead = null;
  #watch = null;
  #resized = null;
  #wanted = { large: [], small: [] };

  constructor(parts) {
    this.#parts = parts;
    this.tiles = el('div', { class: 'tiles', testid: 'tiles' });
    this.empty = el('p', { class: 'stage-empty' });
    this.root = el('section', { class: 'stage', 'aria-label': texts.room.stage }, this.tiles, this.empty);
  }

  opened() {
    this.#resized = new ResizeObserver(() => this.#place());
    this.#resized.observe(this.tiles);
    this.#watch = setInterval(() => this.#watchPictures(), WATCH_MS);
  }

  close() {
    this.#resized.disconnect();
    clearInterval(this.#watch);
    for (const tile of this.tiles.children) tile.video.srcObject = null;
  }

  draw() {
    const { state } = this.#parts.meeting;
    this.#wanted = this.#choose(state);
    const all = [...this.#wanted.large, ...this.#wanted.small];
    keyed(this.tiles, this.#inSteadyOrder(all), (id) => id,
      (id) => this.#makeTile(id), (tile, id) => this.#drawTile(tile, id, state));
    show(this.empty, all.length === 0);
    setText(this.empty, texts.room.empty[state.session.state]);
    this.#place();
  }

  /** Who is seen, and who of them large: holders of the floor, else whoever leads. */
  #choose(state) {
    const { visit, media, devices, desk } = this.#parts;
    const me = visit.member.id;
    const pictures = media.slots
      .filter(({ kind, member }) => kind === 'video' && state.members.has(member) && member !== me);
    const from = (wanted) => pictures.filter(({ source }) => source === wanted).map(({ member }) => member);
    const seen = new Set(from('camera'));
    const screens = from('screen').map((id) => `${SCREEN}${id}`);
    let large = state.turns.map(({ member }) => member)
      .filter((id) => id !== me && state.members.has(id));
    if (large.length === 0) large = this.#leading(state, seen, me);
    if (large.length > LARGE_MAX) {
      large.forEach((id) => seen.add(id));
      large = [];
    }
    const small = [...state.members.keys()].filter((id) => seen.has(id) && !large.includes(id));
    if (desk.sends && (devices.camera || state.turns.some((turn) => turn.member === me))) small.push(me);
    // A screen is what all look at now; who speaks is seen beside it.
    return screens.length > 0 ? { large: screens, small: [...large, ...small] } : { large, small };
  }

  /** While nobody has the floor: the chair or guest who spoke last, so that nothing flickers. */
  #leading(state, seen, me) {
    const { visit } = this.#parts;
    const leads = (id) => id !== me && ['chair', 'podium'].includes(state.members.get(id)?.role);
    const heard = visit.speaking.find(leads);
    if (heard) this.#lead = heard;
    if (!leads(this.#lead)) this.#lead = null;
    this.#lead ??= [...seen].find((id) => state.members.get(id)?.role === 'chair') ?? null;
    return this.#lead === null ? [] : [this.#lead];
  }

  /** The order of the room's list: a tile's place in the document never depends on its size. */
  #inSteadyOrder(ids) {
    const { meeting } = this.#parts;
    const wanted = new Set(ids);
    const members = [...meeting.state.members.keys()];
    return [...members.map((id) => `${SCREEN}${id}`), ...members].filter((id) => wanted.has(id));
  }

  #makeTile(id) {
    const { visit } = this.#parts;
    const tile = el('article', { class: 'tile', 'data-member': id });
    tile.video = el('video', { autoplay: true, playsinline: true, muted: true });
    tile.video.muted = true;
    tile.initials = el('span', { class: 'avatar' });
    // Over the picture rather than in its place: a hidden video is not told to have new frames.
    tile.avatar = el('div', { class: 'cover', 'aria-hidden': 'true' }, tile.initials);
    tile.flag = el('span', { class: 'flag' });
    tile.nameText = el('span', { class: 'tile-name' });
    tile.delegation = el('span', { class: 'tile-delegation' });
    tile.frame = el('div', { class: 'tile-frame' }, tile.video, tile.avatar, tile.flag,
      el('p', { class: 'tile-label' }, tile.nameText, tile.delegation));
    tile.append(tile.frame);
    if (id === visit.member.id) tile.classList.add('tile-self');
    return tile;
  }

  #drawTile(tile, id, state) {
    if (id.startsWith(SCREEN)) this.#drawScreen(tile, id.slice(SCREEN.length), state);
    else this.#drawMember(tile, id, state);
  }

  #drawScreen(tile, id, state) {
    const stream = this.#parts.media.screenStream(id);
    if (tile.video.srcObject !== stream) this.#playIn(tile, stream);
    tile.classList.add('tile-large', 'tile-screen');
    setAttribute(tile, 'data-testid', 'screen-tile');
    setText(tile.nameText, texts.room.screenOf(state.members.get(id).name));
    setAttribute(tile, 'aria-label', tile.nameText.textContent);
    show(tile.flag, false);
  }

  #drawMember(tile, id, state) {
    const { visit, media, devices } = this.#parts;
    const self = id === visit.member.id;
    const member = state.members.get(id);
    const large = this.#wanted.large.includes(id);
    const stream = self ? ownStream(tile, devices.camera) : media.cameraStream(id);
    if (tile.video.srcObject !== stream) this.#playIn(tile, stream);
    setAttribute(tile, 'data-testid', self ? 'self-tile' : stream ? 'video-tile' : 'avatar-tile');
    setAttribute(tile.frame, 'data-testid', large ? 'speaker-tile' : null);
    setAttribute(tile.frame, 'data-member', large ? id : null);
    tile.classList.toggle('tile-large', large);
    const { turn, place } = standing(state, id);
    setAttribute(tile, 'data-floor', member.lost ? 'lost' : turn
      ? (member.mute === 'none' ? turn.phase : 'muted') : (place ? 'waiting' : null));
    tile.classList.toggle('tile-audible', visit.speaking.includes(id));
    setText(tile.initials, initials(member.name));
    setText(tile.nameText, self ? texts.room.selfName(member.name) : member.name);
    setText(tile.delegation, this.#subtitle(member));
    this.#drawFlag(tile.flag, turn, place, member);
    setAttribute(tile, 'aria-label', [member.name, visit.delegationName(member.delegation), tile.flag.textContent]
      .filter(Boolean).join(', '));
  }

  #subtitle(member) {
    const { visit } = this.#parts;
    const delegation = visit.delegationName(member.delegation);
    const role = texts.roles[member.role];
    // A seat's name may be its role and delegation, until its person gives another.
    if (!role || member.role === 'delegate' || member.name.startsWith(role)) return delegation;
    return [role, delegation].filter(Boolean).join(', ');
  }

  #drawFlag(flag, turn, place, member) {
    const word = member.lost ? texts.room.lost : turn
      ? (member.mute !== 'none' ? texts.room.muted
        : turn.phase === 'speaking' ? texts.room.speaking : texts.room.offeredShort)
      : place ? texts.room.waitingPlace(place) : '';
    if (flag.dataset.word === word) return;
    flag.dataset.word = word;
    // Small tiles show the hand and the number alone (room.css).
    flag.replaceChildren(...(place && !member.lost
      ? [icon('hand'), el('span', { class: 'flag-word', text: word }), el('span', { class: 'flag-short', 'aria-hidden': 'true', text: String(place) })]
      : [word]));
    show(flag, word !== '');
  }

  #playIn(tile, stream) {
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

  /** A slot may go on naming a member whose camera is off: no frozen pictures. */
  #watchPictures() {
    const now = performance.now();
    for (const tile of this.tiles.children) {
      // A screen stands still as long as nothing changes on it.
      if (!tile.video.srcObject || tile.classList.contains('tile-screen')) continue;
      // Firefox counts no frames of a stream; Chromium presents none of what is scrolled away.
      const frames = tile.video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
      const shows = tile.classList.contains('has-picture');
      if (frames !== tile.frames || (shows && document.hidden)) tile.movedAt = now;
      tile.frames = frames;
      tile.classList.toggle('has-picture', now - tile.movedAt < STILL_MS);
    }
  }

  /** Asks for everybody's picture, as high as their tile is or would be. */
  #tellView(places) {
    const { visit, media, meeting } = this.#parts;
    const { large, small } = this.#wanted;
    const pixels = ({ height }) => Math.round(height * devicePixelRatio);
    const heights = new Map([
      ...large.map((id, index) => [id, pixels(places.large[index])]),
      ...small.map((id, index) => [id, pixels(places.small[index])]),
    ]);
    const other = heights.get(small[0]) ?? heights.get(large[0]) ?? OTHER_HEIGHT;
    const shown = [...heights.keys(), ...[...meeting.state.members.keys()].filter((id) => !heights.has(id))];
    media.show(shown.filter((id) => id !== visit.member.id && !id.startsWith(SCREEN)).slice(0, VIEW_MAX)
      .map((member) => ({ member, source: 'camera', height: heights.get(member) ?? other })));
  }

  #place() {
    const { clientWidth: width, clientHeight: height } = this.tiles;
    const { large, small } = this.#wanted;
    const places = arrange({
      width, height, large: large.length, small: small.length, gap: width < 600 ? 6 : 10,
    });
    const put = (id, { left, top, width: wide, height: high }) => {
      const tile = this.tiles.keyedElements?.get(id);
      if (!tile) return;
      tile.style.transform = `translate(${left}px, ${top}px)`;
      tile.style.width = `${wide}px`;
      tile.style.height = `${high}px`;
      tile.classList.toggle('tile-tiny', wide < 150);
      tile.classList.toggle('tile-big', wide > 420);
    };
    large.forEach((id, index) => put(id, places.large[index]));
    small.forEach((id, index) => put(id, places.small[index]));
    this.#tellView(places);
  }
}

/** The own camera as a stream, the same one as long as the track is. */
function ownStream(tile, track) {
  if (tile.ownTrack !== track) {
    tile.ownTrack = track;
    tile.ownStream = track && new MediaStream([track]);
  }
  return tile.ownStream ?? null;
}
