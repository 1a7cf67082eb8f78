// The panel beside the stage: pages behind tabs, of which the floor's is open at first. Over a chair's
// stands who has the floor and who is next, whichever page is open.

import { button, el, setAttribute, setText, show } from './dom.js';
import { texts } from './texts.js';
import { AgendaPage } from './ui-agenda.js';
import { ChatPage } from './ui-chat.js';
import { FloorCard, FloorPage, ListPage, PeoplePage } from './ui-floor.js';
import { RegisterPage } from './ui-register.js';
import { AwaitedCard } from './ui-session.js';
import { TimesPage } from './ui-times.js';

/** Where the panel stands below the stage (room.css). */
const STACKED = '(max-width: 62.5em) and (min-height: 501px)';

/** The page that is open: it stays so when the screen is made anew. */
let open = 'floor';

export class Panel {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    this.chairs = parts.visit.member.role === 'chair';
    this.awaited = new AwaitedCard(parts);
    this.card = this.chairs ? new FloorCard(parts) : null;
    this.pages = {
      ...(this.chairs ? { floor: new ListPage(parts), people: new PeoplePage(parts) } : { floor: new FloorPage(parts) }),
      agenda: new AgendaPage(parts),
      chat: new ChatPage(parts),
      register: new RegisterPage(parts),
      times: new TimesPage(parts),
    };
    if (!this.pages[open]) open = 'floor';
    this.tabs = Object.fromEntries(Object.keys(this.pages).map((key) => [key, this.#makeTab(key)]));
    this.tabList = el('div', {
      class: 'tabs', role: 'tablist', 'aria-label': () => texts.panel.label, on: { keydown: (event) => this.#handleKey(event) },
    }, ...Object.values(this.tabs));
    for (const [key, { root }] of Object.entries(this.pages)) {
      root.id = `page-${key}`;
      setAttribute(root, 'role', 'tabpanel');
      setAttribute(root, 'aria-labelledby', `tab-${key}`);
      setAttribute(root, 'data-testid', `page-${key}`);
    }
    this.root = el('aside', { class: `panel ${this.chairs ? 'panel-chair' : ''}`, 'aria-label': () => texts.panel.label },
      this.card?.root, this.chairs ? parts.undo.root : null, this.awaited.root, this.tabList, ...Object.values(this.pages).map(({ root }) => root));
  }

  close() {
    for (const page of Object.values(this.pages)) page.close?.();
  }

  draw() {
    this.card?.draw();
    this.awaited.draw();
    for (const [key, page] of Object.entries(this.pages)) {
      const chosen = key === open;
      const tab = this.tabs[key];
      show(page.root, chosen);
      setAttribute(tab, 'aria-selected', chosen ? 'true' : 'false');
      setAttribute(tab, 'tabindex', chosen ? '0' : '-1');
      page.draw(chosen);
      const count = page.count ?? 0;
      setText(tab.badge, String(count));
      show(tab.badge, count > 0);
      setAttribute(tab, 'aria-label', count > 0 ? texts.panel.withCount(this.#wordOf(key), count) : null);
    }
  }

  /** What runs with the time, several times a second. */
  drawClocks() {
    this.card?.drawClocks();
    this.pages[open].drawClocks?.();
  }

  /** A chair's first page has the list alone. */
  #wordOf(key) {
    const { tabs } = texts.panel;
    return this.chairs && key === 'floor' ? tabs.list : tabs[key];
  }

  /** Opens a page and takes the keyboard to what one does there. */
  goTo(key) {
    this.choose(key);
    if (this.pages[key].focus) this.pages[key].focus();
    else this.tabs[key].focus();
  }

  #makeTab(key) {
    const tab = button(() => this.#wordOf(key), {
      class: 'tab', role: 'tab', id: `tab-${key}`, testid: `tab-${key}`, 'aria-controls': `page-${key}`,
      on: { click: () => this.#press(key) },
    });
    tab.badge = el('span', { class: 'tab-count', testid: `count-${key}`, 'aria-hidden': 'true' });
    tab.append(tab.badge);
    return tab;
  }

  /** Opens a page; on a phone, where it would lie below what is seen, it is brought there. */
  #press(key) {
    this.choose(key);
    const { bottom } = this.tabList.getBoundingClientRect();
    if (bottom > innerHeight / 2 && matchMedia(STACKED).matches) this.tabList.scrollIntoView();
  }

  /** Opens a page. */
  choose(key) {
    open = key;
    this.draw();
    this.pages[key].opened?.();
  }

  /** Arrows go from tab to tab, as screen readers' users expect. */
  #handleKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const keys = Object.keys(this.tabs);
    const key = keys[(keys.indexOf(open) + step + keys.length) % keys.length];
    this.choose(key);
    this.tabs[key].focus();
  }
}
