// The path test at the device check: a verdict in plain words, what to do, and the figures of each way.

import { button, el, icon, keyed, setAttribute, setDisabled, setIcon, setText, show } from './dom.js';
import { texts } from './texts.js';

const ICON_OF = { good: 'done', fair: 'warning', bad: 'warning', open: 'clock' };

/** How a test stands: `open`, `good`, `fair` or `bad`. */
export function gradeOf({ phase, result }) {
  if (phase !== 'done' || !result) return phase === 'failed' ? 'fair' : 'open';
  if (result.verdict === 'none') return 'bad';
  return result.verdict === 'udp' && !result.weak ? 'good' : 'fair';
}

/** The verdict in words. */
export function verdictOf({ phase, result }) {
  const { path } = texts;
  if (phase === 'failed') return path.failed;
  if (phase !== 'done' || !result) return path.running;
  const { verdict, weak } = result;
  if (verdict === 'none') return path.none;
  const sentence = verdict === 'udp' && weak ? path.weak : path[verdict];
  return sentence(path.measured(result.rttMs, result.lossPct));
}

function adviceOf({ phase, result }) {
  const { advice } = texts.path;
  if (phase === 'failed') return advice.failed;
  if (phase !== 'done' || !result) return advice.running;
  const { verdict, weak, doors } = result;
  if (verdict === 'udp') return weak ? advice.weak : advice.good;
  const words = advice[verdict](texts.path.doors(doors));
  return weak && verdict !== 'none' ? `${words} ${advice.weak}` : words;
}

export class PathCard {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const { path, visit } = parts;
    this.icon = el('span', { class: 'path-icon' }, icon('clock'));
    this.verdict = el('p', { class: 'path-verdict', role: 'status', testid: 'path-verdict' });
    this.advice = el('p', { class: 'hint path-advice' });
    this.bar = el('div', { class: 'path-bar' });
    this.progress = el('div', {
      class: 'path-progress', role: 'progressbar', 'aria-label': () => texts.path.running,
      'aria-valuemin': '0', 'aria-valuemax': '100',
    }, this.bar);
    this.again = button(() => texts.path.again, {
      class: 'button button-small', testid: 'check.offer', on: { click: () => path.run(visit.iceServers) },
    });
    this.ways = el('dl', { class: 'path-ways' });
    this.figures = el('details', { class: 'path-figures' },
      el('summary', { text: () => texts.path.figures }), this.ways,
      el('p', { class: 'hint', text: () => texts.path.about }));
    this.root = el('section', { class: 'card path-card', testid: 'path', 'aria-labelledby': 'path-heading' },
      el('h2', { id: 'path-heading', text: () => texts.path.heading }),
      el('div', { class: 'path-line' }, this.icon,
        el('div', { class: 'path-words' }, this.verdict, this.advice)),
      this.progress,
      el('div', { class: 'path-end' }, this.figures, this.again));
  }

  draw() {
    const { path } = this.#parts;
    const { phase, result } = path;
    const running = phase === 'running' || phase === 'idle';
    const grade = gradeOf(path);
    setAttribute(this.root, 'data-grade', grade);
    setAttribute(this.root, 'data-verdict', phase === 'done' ? result?.verdict ?? null : null);
    setIcon(this.icon, ICON_OF[grade]);
    setText(this.verdict, verdictOf(path));
    setText(this.advice, adviceOf(path));
    // It keeps its place, so that nothing jumps.
    this.progress.style.visibility = running ? 'visible' : 'hidden';
    const percent = Math.round(path.progress * 100);
    setAttribute(this.progress, 'aria-valuenow', percent);
    this.bar.style.transform = `scaleX(${percent / 100})`;
    setDisabled(this.again, running);
    show(this.figures, phase === 'done');
    if (phase === 'done') this.#drawWays(result.ways);
  }

  #drawWays(ways) {
    keyed(this.ways, Object.entries(ways), ([way]) => way,
      ([way]) => {
        const row = el('div', { class: 'path-way', testid: 'path-way', 'data-way': way });
        row.figures = el('dd');
        row.append(el('dt', { text: () => texts.path.ways[way] }), row.figures);
        return row;
      },
      (row, [, measured]) => {
        setAttribute(row, 'data-rtt', measured?.rttMs ?? null);
        setText(row.figures, measured
          ? texts.path.measured(measured.rttMs, measured.lossPct) : texts.path.nothingPasses);
      });
  }
}
