// Making and changing elements: what every part of the face is built with.

import { ICONS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. In `properties`, `text` is its text, `testid` its `data-testid`, `on` its
 * listeners; `true` sets an attribute without a value, `false` and null leave it out. A text or an
 * attribute that is given as a function is asked for again when the language changes (`reword`).
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (typeof value === 'function') {
      (element.worded ??= []).push([name, value]);
      put(element, name, value());
    } else put(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function put(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name === 'text') setText(element, value);
  else if (name === 'testid') element.dataset.testid = value;
  else setAttribute(element, name, value);
}

/** Puts the texts of all elements anew that were given as functions. */
export function reword() {
  for (const element of document.querySelectorAll('*')) {
    element.worded?.forEach(([name, give]) => put(element, name, give()));
  }
}

/** A drawing of icons.js; the words beside it say what it means. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** A second press of the same so soon, in ms, is one of a double press. */
const DOUBLE_MS = 500;

/** The last press of a button that takes one at a time. */
let pressed = { once: null, element: null, at: -Infinity };

/**
 * A button with words and perhaps an icon. One that is `setDisabled` takes no press. `once` names the
 * place of one whose second press would do something else than the first, as what it does is chosen at the
 * press or another button stands there then: of a double press it takes the first, of a held key one.
 */
export function button(text, { iconName, once, ...properties } = {}) {
  const element = el('button', { type: 'button', ...properties },
    iconName ? icon(iconName) : null,
    el('span', { class: 'button-text', text }));
  element.addEventListener('click', (event) => {
    const disabled = element.getAttribute('aria-disabled') === 'true';
    if (!disabled && !(once && isDouble(once, element, event))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
  if (once) {
    element.addEventListener('keydown', (event) => {
      if (event.repeat && event.key === 'Enter') event.preventDefault();
    });
  }
  return element;
}

/** A mouse's presses are counted by the browser (`detail`), also where another button came under it; a key's are 0. */
function isDouble(once, element, { detail }) {
  const at = performance.now();
  const same = pressed.element === element || (detail === 0 && pressed.once === once);
  const soon = same && at - pressed.at < DOUBLE_MS;
  pressed = { once, element, at };
  return detail > 1 || soon;
}

/**
 * Has a form send its field's text by `send(text)`, which resolves with whether it was sent: one at a time,
 * and what was written meanwhile stays.
 */
export function sendsText(form, field, send) {
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const text = field.value;
    if (await send(text) && field.value === text) field.value = '';
    busy = false;
  });
}

/** Sets a text only where it differs, so that live regions speak only of changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or takes away an attribute only where it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else {
    const wanted = value === true ? '' : String(value);
    if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
  }
}

export function show(element, shown) {
  if (element.hidden !== shown) return;
  const focused = !shown && element.contains(document.activeElement);
  element.hidden = !shown;
  if (focused) focusHome();
}

/** What had the focus is gone: the screen's main control has it, where one is marked as that. */
function focusHome() {
  document.querySelector('[data-home]')?.focus();
}

/** Disables a button without taking the focus from whoever has just pressed it, as `disabled` would. */
export function setDisabled(element, disabled) {
  setAttribute(element, 'aria-disabled', disabled ? 'true' : null);
}

/** Shows those of `elements` that are `shown`; a focus on one that goes is handed to one that comes. */
export function showSome(elements, shown) {
  const focused = elements.find((element) => element === document.activeElement);
  for (const element of elements) show(element, shown.includes(element));
  if (focused?.hidden) shown[0]?.focus();
}

export function setIcon(element, name) {
  if (element.dataset.icon === name) return;
  element.dataset.icon = name;
  element.querySelector('.icon')?.replaceWith(icon(name));
}

export function setButtonText(element, text) {
  setText(element.querySelector('.button-text'), text);
}

/**
 * Makes the children of `container` those of `items`, in order: elements are made once a key by
 * `create(item)`, brought up to date by `update(element, item)`, and moved only where they stand
 * wrong, so that focus and pictures stay. Where the focused one goes, its neighbour has the focus.
 */
export function keyed(container, items, keyOf, create, update) {
  const kept = container.keyedElements ??= new Map();
  const wanted = new Set(items.map(keyOf));
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  let lostAt = -1;
  for (const [key, element] of kept) {
    if (wanted.has(key)) continue;
    if (element.contains(focused)) lostAt = [...container.children].indexOf(element);
    element.remove();
    kept.delete(key);
  }
  let place = container.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = kept.get(key);
    if (!element) {
      element = create(item);
      kept.set(key, element);
    }
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else putBefore(container, element, place);
  }
  if (lostAt >= 0) focusNear(container, lostAt, focused.dataset.testid);
}

/** What is moved in the document loses the focus: it is given back. */
function putBefore(container, element, place) {
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  container.insertBefore(element, place);
  active?.focus({ preventScroll: true });
}

/** Focuses what has taken the place of a child that is gone, the same control of it where it has one. */
function focusNear(container, index, testid) {
  const child = container.children[Math.min(index, container.childElementCount - 1)];
  const controls = child ? [child, ...child.querySelectorAll('button, [tabindex]')]
    .filter((each) => each.matches('button, [tabindex]') && !each.disabled && each.getClientRects().length > 0) : [];
  const next = controls.find((each) => each.dataset.testid === testid) ?? controls[0] ?? container.closest('[tabindex]');
  if (next) next.focus({ preventScroll: true });
  else focusHome();
}

/** Runs `draw` once a frame at most, and also while the page is hidden, when there are none. */
export function oncePerFrame(draw) {
  let waiting = false;
  const run = () => {
    if (!waiting) return; // Drawn meanwhile, as the page was hidden or shown.
    waiting = false;
    draw();
  };
  return () => {
    // A frame that was asked for before the page was hidden comes when it is shown again.
    if (waiting && !document.hidden) return;
    waiting = true;
    if (document.hidden) setTimeout(run, 0);
    else requestAnimationFrame(run);
  };
}
