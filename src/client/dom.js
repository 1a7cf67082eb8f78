// Making and changing elements: what every part of the face is built with.

import { ICONS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. In `properties`, `text` is its text, `testid` its `data-testid`, `on` its
 * listeners; `true` sets an attribute without a value, `false` and null leave it out.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === 'text') element.textContent = value;
    else if (name === 'testid') element.dataset.testid = value;
    else if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
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

/** A button with words and perhaps an icon. */
export function button(text, { iconName, ...properties } = {}) {
  return el('button', { type: 'button', ...properties },
    iconName ? icon(iconName) : null,
    el('span', { class: 'button-text', text }));
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
  if (element.hidden === shown) element.hidden = !shown;
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
 * wrong, so that focus and pictures stay.
 */
export function keyed(container, items, keyOf, create, update) {
  const kept = container.keyedElements ??= new Map();
  const wanted = new Set(items.map(keyOf));
  for (const [key, element] of kept) {
    if (wanted.has(key)) continue;
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
    else container.insertBefore(element, place);
  }
}

/** Runs `draw` once a frame at most, and also while the page is hidden. */
export function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = () => {
      if (!waiting) return;
      waiting = false;
      draw();
    };
    if (document.hidden) setTimeout(run, 0);
    else requestAnimationFrame(run);
  };
}
