// Rows of a list put in another order: by a handle that mouse, pen and finger drag, and by keys.
//
// It must never know what the rows are. The list may be redrawn meanwhile: where a row is to go is
// asked of the document at the end, and a row that is gone ends its drag.

import { setAttribute } from './dom.js';

/** A press becomes a drag from here on, in pixels. */
const DRAG_FROM = 4;

/** So near the end of what scrolls, in pixels, a drag scrolls it, by so much a frame. */
const SCROLL_NEAR = 44;
const SCROLL_STEP = 9;

export class Reorder {
  #list;
  #rules;
  /** What is on its way: `{row, to, pointer, from, y, grabbed}`; `pointer` null: by keys. */
  #lift = null;
  #frame = null;

  /**
   * Rows are the children of `list` with a `handle`. `rules`: `moves(row)`, whether it may go at all;
   * `first(row)`, the first place (from 0) that is free to choose; `drop(row, place)` moves it (place from
   * 0); `say(what, row, place, count)` tells what happens before: `lifted`, `over`, `cancelled`.
   */
  constructor(list, rules) {
    this.#list = list;
    this.#rules = rules;
    document.addEventListener('keydown', this.#escape, true);
  }

  /** The page is about to be another. */
  close() {
    this.#end();
    document.removeEventListener('keydown', this.#escape, true);
  }

  /** Makes `handle` the handle of `row`. */
  attach(row, handle) {
    row.handle = handle;
    handle.addEventListener('pointerdown', (event) => this.#press(event, row));
    handle.addEventListener('keydown', (event) => this.#key(event, row));
    // Space and Enter, and what presses buttons for those who do not see; a mouse's click counts itself.
    handle.addEventListener('click', ({ detail }) => detail === 0 && this.#toggle(row));
    handle.addEventListener('blur', () => {
      // A row that is moved in the document has the focus again at once.
      setTimeout(() => {
        if (this.#lift?.pointer === null && this.#lift.row === row && document.activeElement !== handle) this.#cancel();
      });
    });
  }

  /** After the list was drawn. */
  drawn() {
    const lift = this.#lift;
    if (!lift) return;
    if (!lift.row.isConnected || !this.#rules.moves(lift.row)) this.#cancel();
    else this.#show(this.#bounded(lift.row, lift.to));
  }

  #rows() {
    return [...this.#list.children];
  }

  #placeOf(row) {
    return this.#rows().indexOf(row);
  }

  /* --- By pointer --- */

  #press(event, row) {
    if (event.button !== 0 || !event.isPrimary || !this.#rules.moves(row)) return;
    if (this.#lift) this.#cancel();
    const pressed = { row, pointer: event.pointerId, from: event.clientY, y: event.clientY, to: this.#placeOf(row), begun: false };
    const ours = (act) => (moved) => moved.pointerId === pressed.pointer && act(moved);
    const move = ours(({ clientY }) => {
      pressed.y = clientY;
      if (!pressed.begun && Math.abs(clientY - pressed.from) >= DRAG_FROM) this.#begin(pressed);
      if (this.#lift === pressed) this.#follow();
    });
    const stop = ours(({ type }) => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', stop);
      removeEventListener('pointercancel', stop);
      if (this.#lift !== pressed) return;
      if (type === 'pointerup') this.#drop();
      else this.#cancel();
    });
    // The window's: a handle that is moved in the document hears no more of its pointer.
    addEventListener('pointermove', move);
    addEventListener('pointerup', stop);
    addEventListener('pointercancel', stop);
  }

  #begin(pressed) {
    pressed.begun = true;
    pressed.grabbed = pressed.from - pressed.row.getBoundingClientRect().top;
    this.#lift = pressed;
    pressed.row.classList.add('row-dragged');
    this.#frame = requestAnimationFrame(() => this.#scroll());
  }

  /** The row under the pointer, and the place where it would go. */
  #follow() {
    const { row, y } = this.#lift;
    const before = this.#rows().filter((each) => each !== row)
      .filter((each) => {
        const { top, height } = each.getBoundingClientRect();
        return top + height / 2 < y;
      }).length;
    this.#show(Math.max(before, this.#rules.first(this.#lift.row)));
    this.#carry();
  }

  /** It stays among the rows: beyond them it would make room to scroll into. */
  #carry() {
    const { row, y, grabbed } = this.#lift;
    row.style.transform = '';
    const own = row.getBoundingClientRect();
    const rects = this.#rows().map((each) => each.getBoundingClientRect());
    const shift = Math.min(Math.max(y - grabbed, rects[0].top), rects.at(-1).bottom - own.height) - own.top;
    row.style.transform = `translateY(${shift}px)`;
  }

  /** Near an end of what scrolls, the list comes towards the pointer. */
  #scroll() {
    const lift = this.#lift;
    if (!lift || lift.pointer === null) return;
    const scroller = scrollerOf(this.#list);
    const { top, bottom } = scroller.getBoundingClientRect();
    const step = lift.y < top + SCROLL_NEAR ? -SCROLL_STEP : lift.y > bottom - SCROLL_NEAR ? SCROLL_STEP : 0;
    const was = scroller.scrollTop;
    if (step) scroller.scrollTop += step;
    if (scroller.scrollTop !== was) this.#follow();
    this.#frame = requestAnimationFrame(() => this.#scroll());
  }

  /* --- By keys --- */

  #key(event, row) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const lifted = this.#lift?.row === row && this.#lift.pointer === null;
    if (event.altKey && step) {
      event.preventDefault();
      if (!this.#lift) this.#step(row, step);
    } else if (event.key === 'Enter' && event.repeat) {
      event.preventDefault();
    } else if (lifted && step) {
      event.preventDefault();
      this.#show(this.#bounded(row, this.#lift.to + step));
      this.#rules.say('over', row, this.#lift.to, this.#rows().length);
    }
  }

  #toggle(row) {
    if (this.#lift?.row === row) this.#drop();
    else if (!this.#lift && this.#rules.moves(row)) this.#pickUp(row);
  }

  #pickUp(row) {
    this.#lift = { row, pointer: null, to: this.#placeOf(row) };
    row.classList.add('row-lifted');
    setAttribute(row.handle, 'aria-pressed', 'true');
    this.#rules.say('lifted', row, this.#lift.to, this.#rows().length);
  }

  /** One place up or down, at once. */
  #step(row, step) {
    const from = this.#placeOf(row);
    const to = this.#bounded(row, from + step);
    if (this.#rules.moves(row) && to !== from) this.#rules.drop(row, to);
  }

  #bounded(row, place) {
    return Math.min(Math.max(place, this.#rules.first(row)), this.#rows().length - 1);
  }

  /* --- Both --- */

  /** Shows where it would go: a line between two rows, which moves nothing. */
  #show(to) {
    const lift = this.#lift;
    lift.to = to;
    this.#unmark();
    const others = this.#rows().filter((each) => each !== lift.row);
    const [row, side] = to < others.length ? [others[to], 'drop-before'] : [others.at(-1), 'drop-after'];
    if (this.#placeOf(lift.row) !== to) row?.classList.add(side);
    if (lift.pointer === null) (row ?? lift.row).scrollIntoView({ block: 'nearest' });
  }

  #unmark() {
    for (const each of this.#rows()) each.classList.remove('drop-before', 'drop-after');
  }

  #drop() {
    const { row, to } = this.#lift;
    const from = this.#placeOf(row);
    this.#end();
    if (from === to) this.#rules.say('cancelled', row, from, this.#rows().length);
    else this.#rules.drop(row, to);
  }

  #cancel() {
    const { row } = this.#lift;
    this.#end();
    // One that has left the list has no place to go back to.
    if (row.isConnected) this.#rules.say('cancelled', row, this.#placeOf(row), this.#rows().length);
  }

  #end() {
    cancelAnimationFrame(this.#frame);
    this.#unmark();
    const lift = this.#lift;
    this.#lift = null;
    if (!lift) return;
    lift.row.classList.remove('row-dragged', 'row-lifted');
    lift.row.style.transform = '';
    setAttribute(lift.row.handle, 'aria-pressed', 'false');
  }

  /** Escape puts back what is on its way, and does nothing else then. */
  #escape = (event) => {
    if (event.key !== 'Escape' || !this.#lift) return;
    event.preventDefault();
    event.stopPropagation();
    this.#cancel();
  };
}

/** What scrolls around an element: the nearest that has more than it shows. */
function scrollerOf(element) {
  for (let each = element; each; each = each.parentElement) {
    const { overflowY } = getComputedStyle(each);
    if (['auto', 'scroll'].includes(overflowY) && each.scrollHeight > each.clientHeight + 1) return each;
  }
  return document.scrollingElement;
}
