// The stage: the tiles of those who are seen, the speakers large, the others by pages; or all of them as
// equals. What it asks the server for is what it shows, as high as it shows it.

import { arrange } from './arrange.js';
import { button, el, keyed, setAttribute, setButtonText, setIcon, setText, show } from './dom.js';
import { pauseReason, sendsMedia } from './meeting.js';
import { texts } from './texts.js';
import { SCREEN, drawTile, drawTileClock, makeTile, placeTile, watchPicture } from './ui-tile.js';

/** More holders of the floor than this are shown in one grid of equals. */
const LARGE_MAX = 4;

/** Pictures that are asked for at most; the server's own bound. */
const VIEW_MAX = 64;

const WATCH_MS = 500;

/** What somebody has chosen to see: it stays while the screen is made anew. */
const chosen = { gallery: false, page: 0 };

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
  /** Of the tiles' box; asked of the browser only when it changes. */
  #size = { width: 0, height: 0 };
  #wanted = { large: [], small: [] };
  /** Of the small ones, those on the page. */
  #shown = [];
  /** The page that is shown: an earlier one than was chosen while there are fewer. */
  #page = 0;

  constructor(parts) {
    this.#parts = parts;
    const turn = (testid, iconName, text, step) => button(text, {
      class: 'stage-turn', iconName, testid, hidden: true, on: { click: () => this.#turnPage(step) },
    });
    this.tiles = el('div', { class: 'tiles', testid: 'tiles' });
    this.back = turn('page-back', 'back', () => texts.room.pageBack, -1);
    this.on = turn('page-on', 'on', () => texts.room.pageOn, 1);
    this.pageText = el('p', { class: 'stage-page', testid: 'page-now', role: 'status', hidden: true });
    this.gallery = button('', {
      class: 'stage-tool', iconName: 'gallery', testid: 'gallery-toggle', on: { click: () => this.#toggleGallery() },
    });
    this.elsewhere = el('p', { class: 'stage-elsewhere', testid: 'heard-elsewhere', 'aria-hidden': 'true', hidden: true });
    this.soundOnly = button(() => texts.room.showPictures, {
      class: 'stage-tool', iconName: 'camera', testid: 'show-pictures', hidden: true,
      on: { click: () => parts.desk.setSoundOnly(false) },
    });
    this.empty = el('p', { class: 'stage-empty' });
    this.root = el('section', { class: 'stage', 'aria-label': () => texts.room.stage },
      this.tiles, this.empty, this.back, this.on, this.pageText,
      this.tools = el('div', { class: 'stage-tools' }, this.elsewhere, this.soundOnly, this.gallery));
  }

  opened() {
    this.#size = { width: this.tiles.clientWidth, height: this.tiles.clientHeight };
    this.#resized = new ResizeObserver(([{ contentRect: { width, height } }]) => {
      this.#size = { width, height };
      this.#place();
    });
    this.#resized.observe(this.tiles);
    this.#watch = setInterval(() => {
      for (const tile of this.tiles.children) watchPicture(tile, performance.now());
    }, WATCH_MS);
  }

  close() {
    this.#resized.disconnect();
    clearInterval(this.#watch);
    for (const tile of this.tiles.children) tile.video.srcObject = null;
  }

  draw() {
    const { desk, meeting } = this.#parts;
    const { state } = meeting;
    this.#wanted = this.#choose(state);
    const none = this.#wanted.large.length + this.#wanted.small.length === 0;
    show(this.empty, none);
    setText(this.empty, texts.room.empty[state.session.state]);
    show(this.gallery, !none || chosen.gallery);
    setIcon(this.gallery, chosen.gallery ? 'speaker' : 'gallery');
    setButtonText(this.gallery, chosen.gallery ? texts.room.speakerView : texts.room.galleryView);
    show(this.soundOnly, desk.soundOnly);
    this.#place();
  }

  /** The speaker's clock, several times a second. */
  drawClocks() {
    for (const tile of this.tiles.children) drawTileClock(tile, this.#parts);
  }

  /** Who is seen, and who of them large: holders of the floor, else whoever leads. */
  #choose(state) {
    const { visit, media, devices, desk } = this.#parts;
    const me = visit.member.id;
    const others = (source) => media.senders(source).filter((id) => state.members.has(id) && id !== me);
    const seen = new Set(others('camera'));
    const screens = others('screen').map((id) => `${SCREEN}${id}`);
    // Who is paused by others waits beside them.
    const heard = state.turns.filter((turn) => pauseReason(state, turn) === null);
    const holders = (heard.length > 0 ? heard : state.turns).map(({ member }) => member);
    for (const { member } of state.turns) if (member !== me) seen.add(member);
    let large = [...new Set([state.session.spotlight, ...holders])]
      .filter((id) => id !== me && state.members.has(id));
    if (large.length === 0) large = this.#leading(state, seen, me);
    const own = desk.sends && (devices.camera || chosen.gallery || state.turns.some((turn) => turn.member === me)) ? [me] : [];
    const rest = (isSeen) => [...state.members.keys()].filter((id) => isSeen(id) && !large.includes(id) && id !== me);
    // A screen is what all look at now; who speaks is seen beside it.
    if (screens.length > 0) return { large: screens, small: [...large, ...own, ...rest((id) => seen.has(id))] };
    if (chosen.gallery) {
      // Everybody at the table, those without a picture behind those who have one.
      const seated = (id) => sendsMedia(state.members.get(id).role) && !seen.has(id);
      return { large: [], small: [...large, ...own, ...rest((id) => seen.has(id)), ...rest(seated)] };
    }
    if (large.length > LARGE_MAX) return { large: [], small: [...large, ...own, ...rest((id) => seen.has(id))] };
    return { large, small: [...own, ...rest((id) => seen.has(id))] };
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

  #place() {
    const { media, meeting } = this.#parts;
    if (!meeting.state) return; // Left, and not yet drawn.
    const { width, height } = this.#size;
    const { large, small } = this.#wanted;
    const places = arrange({
      width, height, large: large.length, small: small.length, gap: width < 600 ? 6 : 10, page: chosen.page,
      most: Math.max(1, media.pictureSlots - large.length),
    });
    this.#page = places.page;
    this.#shown = small.slice(places.first, places.first + places.small.length);
    const all = [...large, ...this.#shown];
    keyed(this.tiles, this.#inSteadyOrder(all), (id) => id,
      (id) => makeTile(id, this.#parts), (tile, id) => drawTile(tile, id, large.includes(id), this.#parts));
    const put = (id, place) => placeTile(this.tiles.keyedElements.get(id), place);
    large.forEach((id, index) => put(id, places.large[index]));
    this.#shown.forEach((id, index) => put(id, places.small[index]));
    // Over the large picture rather than over somebody small.
    const right = width - Math.max(0, ...places.large.map((place) => place.left + place.width));
    const top = Math.min(...places.large.map((place) => place.top), height);
    Object.assign(this.tools.style, { right: `${large.length > 0 ? right : 0}px`, top: `${large.length > 0 ? top : 0}px` });
    this.#drawTurns(places);
    this.#drawElsewhere(meeting.state);
    this.#tellView(places);
  }

  #drawTurns({ turns, page, pages }) {
    for (const [turn, place, there] of [[this.back, turns?.back, page > 0], [this.on, turns?.on, page < pages - 1]]) {
      // One that leads nowhere stays, so that it can be pressed twice and nothing moves.
      show(turn, Boolean(place));
      setAttribute(turn, 'aria-disabled', there ? null : 'true');
      if (place) Object.assign(turn.style, { left: `${place.left}px`, top: `${place.top}px` });
    }
    show(this.pageText, Boolean(turns));
    if (!turns) return;
    const { left, top, width, height } = turns.number;
    Object.assign(this.pageText.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, lineHeight: `${height}px` });
    setText(this.pageText, texts.room.pageOf(page + 1, pages));
    setAttribute(this.pageText, 'aria-label', texts.room.pageLabel(page + 1, pages));
  }

  /** Who is heard and is on another page. */
  #drawElsewhere({ members }) {
    const { visit } = this.#parts;
    const seen = [...this.#wanted.large, ...this.#shown, visit.member.id];
    const heard = visit.speaking.filter((id) => members.has(id) && !seen.includes(id));
    show(this.elsewhere, heard.length > 0);
    if (heard.length > 0) setText(this.elsewhere, texts.room.heardElsewhere(heard.map((id) => members.get(id).name).join(', ')));
  }

  #turnPage(step) {
    chosen.page = Math.max(0, this.#page + step);
    this.#place();
  }

  #toggleGallery() {
    chosen.gallery = !chosen.gallery;
    chosen.page = 0;
    this.draw();
  }

  /** The order of the room's list: a tile's place in the document never depends on its size. */
  #inSteadyOrder(ids) {
    const { meeting } = this.#parts;
    const wanted = new Set(ids);
    const members = [...meeting.state.members.keys()];
    return [...members.map((id) => `${SCREEN}${id}`), ...members].filter((id) => wanted.has(id));
  }

  /** Asks for what is shown, as high as its tile is. */
  #tellView(places) {
    const { visit, media } = this.#parts;
    const picture = (id, { height }) => ({
      member: id.replace(SCREEN, ''), source: id.startsWith(SCREEN) ? 'screen' : 'camera',
      height: Math.max(1, Math.round(height * devicePixelRatio)),
    });
    const pictures = [
      ...this.#wanted.large.map((id, index) => picture(id, places.large[index])),
      ...this.#shown.map((id, index) => picture(id, places.small[index])),
    ];
    media.show(pictures.filter(({ member }) => member !== visit.member.id).slice(0, VIEW_MAX));
  }
}
