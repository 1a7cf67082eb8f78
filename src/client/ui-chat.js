// The page of the chat: what was written, to whom, and a line to write.

import { button, el, keyed, sendsText, setAttribute, setText, show } from './dom.js';
import { timeInBoth } from './format.js';
import { nameOf } from './meeting.js';
import { texts } from './texts.js';

/** A list that is so near its end, in pixels, follows what is added. */
const NEAR_END = 60;

export class ChatPage {
  #parts;
  #seenAt = Infinity;
  /** What this member has written to the chairs: it is told to the chairs alone. */
  #own = [];
  /** Messages that came since the page was last open. */
  count = 0;

  constructor(parts) {
    this.#parts = parts;
    this.list = el('div', { class: 'rows chat-list', role: 'log', testid: 'chat', tabindex: '0', 'aria-label': () => texts.panel.tabs.chat });
    this.empty = el('p', { class: 'muted', text: () => texts.chat.empty });
    this.to = el('select', { id: 'chat-to', testid: 'chat-to', 'aria-label': () => texts.chat.to },
      ...['everybody', 'chairs'].map((value) => el('option', { value, text: () => texts.chat.addressees[value] })));
    this.text = el('input', {
      id: 'chat-text', type: 'text', testid: 'chat-text', maxlength: '1000', autocomplete: 'off',
      placeholder: () => texts.chat.write, 'aria-label': () => texts.chat.write,
    });
    this.send = button(() => texts.chat.send, { type: 'submit', class: 'button button-primary', testid: 'chat.send' });
    this.form = el('form', { class: 'chat-form' }, this.to, el('div', { class: 'chat-line' }, this.text, this.send));
    sendsText(this.form, this.text, (text) => this.#send(text.trim()));
    this.reason = el('p', { class: 'row-note', testid: 'chat-reason' });
    this.root = el('div', { class: 'panel-page' },
      el('section', { class: 'card chat-card' }, el('h2', { text: () => texts.panel.tabs.chat }), this.list, this.empty, this.reason, this.form));
  }

  focus() {
    this.text.focus();
  }

  opened() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  draw(open) {
    const { visit, meeting } = this.#parts;
    const { chat, profile } = meeting.state;
    const newest = chat.at(-1)?.at ?? 0;
    const all = this.#withOwn(meeting.state);
    if (open || this.#seenAt === Infinity) this.#seenAt = newest;
    this.count = chat.filter(({ at, member }) => at > this.#seenAt && member !== visit.member.id).length;
    show(this.empty, all.length === 0);
    if (open) this.#drawList(all);
    const chair = visit.member.role === 'chair';
    const rule = chair ? 'everybody' : profile.chat;
    const everybody = this.to.options[0];
    everybody.disabled = rule !== 'everybody';
    if (rule !== 'everybody') this.to.value = 'chairs';
    for (const field of [this.to, this.text, this.send]) field.disabled = rule === 'off';
    setText(this.reason, texts.chat.rules[rule]);
    show(this.reason, texts.chat.rules[rule] !== '');
  }

  #withOwn({ session, chat }) {
    const own = this.#own.filter((message) => message.session === session.id);
    return own.length === 0 ? chat : [...chat, ...own].sort((a, b) => a.at - b.at);
  }

  #drawList(chat) {
    const { list } = this;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
    keyed(list, chat, ({ at, member, text }) => `${at} ${member} ${text}`, (message) => this.#makeMessage(message), (row, { member }) => this.#drawName(row, member));
    if (follows) list.scrollTop = list.scrollHeight;
  }

  #makeMessage({ at, member, to, text }) {
    const { visit } = this.#parts;
    const nameText = el('strong');
    const row = el('div', { class: 'row row-text', testid: 'chat-message', 'data-member': member, 'data-to': to },
      el('p', { class: 'muted said-by' },
        nameText,
        el('span', { text: () => ` ${timeInBoth(at, visit.event.time_zone, texts.language)} ` }),
        to === 'chairs' ? el('span', { class: 'badge', text: () => texts.chat.addressees.chairs }) : null),
      el('p', { class: 'said', text }));
    row.nameText = nameText;
    if (member === visit.member.id) setAttribute(row, 'data-own', 'yes');
    return row;
  }

  /** Whoever wrote may take another name. */
  #drawName(row, member) {
    const { visit, meeting } = this.#parts;
    const name = nameOf(meeting.state, member);
    setText(row.nameText, member === visit.member.id ? texts.room.selfName(name) : name);
  }

  async #send(text) {
    if (!text) return false;
    const { ui, visit, meeting } = this.#parts;
    const to = this.to.value;
    const sent = await ui.order('chat.send', { to, text });
    const { state } = meeting;
    if (sent && to === 'chairs' && state?.lobby === null) {
      this.#own.push({ at: visit.now(), member: visit.member.id, to, text, session: state.session.id });
      this.draw(true);
    }
    this.text.focus();
    return sent;
  }
}
