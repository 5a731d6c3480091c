/** What belongs to the chat that is looked at, and is the helper's alone: notes and ready answers. */

import { belongsToInputMethod, el, icon } from '../dom.js';
import { setText } from '../i18n.js';
import { ANSWER_CHARS, OWN_ANSWERS } from './answers.js';

/** @typedef {import('./answers.js').Answers} Answers */

/** @typedef {{use: (text: string) => boolean, noted: (text: string) => void, end: () => void, hand: (() => void) | null}} AsideActs */

export class Aside {
  #answers;
  #use;
  #notes = el('textarea', { set: { rows: '4', dir: 'auto', autocomplete: 'off', 'aria-describedby': 'desk-notes-hint' } });
  #find = el('input', { set: { type: 'text', dir: 'auto', autocomplete: 'off' } });
  #list = el('ul', { class: 'desk-answers' });
  #new = el('textarea', { set: { rows: '2', dir: 'auto', autocomplete: 'off', 'aria-describedby': 'desk-answer-fault' } });
  #fault = el('p', { class: 'fault', set: { id: 'desk-answer-fault', role: 'alert' } });
  #end;
  /** Only for helpers with a pass. @type {HTMLButtonElement | null} */ #hand;
  #chat;
  node;

  /** @param {Answers} answers @param {AsideActs} acts */
  constructor(answers, acts) {
    this.#answers = answers;
    this.#use = acts.use;
    this.#notes.addEventListener('input', () => acts.noted(this.#notes.value));
    this.#find.addEventListener('input', () => this.#show());
    this.#find.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') this.#list.querySelector('button')?.focus();
      if (event.key !== 'Enter' || belongsToInputMethod(event)) return;
      event.preventDefault();
      this.#first();
    });
    this.#list.addEventListener('keydown', (event) => this.#walk(event));
    this.#end = el('button', { class: 'button', text: 'desk.end', set: { type: 'button' }, on: { click: acts.end } });
    this.#hand = acts.hand && el('button', { class: 'button', text: 'desk.hand', set: { type: 'button' }, on: { click: acts.hand } });
    this.#chat = el(
      'section', { class: 'desk-of-chat', set: { 'aria-labelledby': 'desk-notes' } },
      el('h2', { text: 'desk.notes', set: { id: 'desk-notes' } }),
      el('label', { class: 'field' }, el('span', { class: 'unseen', text: 'desk.notes' }), this.#notes),
      el('p', { class: 'hint', text: 'desk.notes.hint', set: { id: 'desk-notes-hint' } }),
      el('div', { class: 'desk-acts' }, this.#end, this.#hand),
    );
    this.node = el('aside', { class: 'desk-aside', label: 'desk.nav.notes' }, this.#chat, this.#answersPart());
    this.#show();
  }

  #answersPart() {
    const add = (/** @type {Event} */ event) => {
      event.preventDefault();
      const fault = this.#answers.add(this.#new.value);
      this.#new.setAttribute('aria-invalid', String(fault !== null));
      if (fault !== null) return void setText(this.#fault, `desk.answers.${fault}`, { max: fault === 'many' ? OWN_ANSWERS : ANSWER_CHARS });
      this.#fault.replaceChildren();
      this.#new.value = '';
      this.#show();
    };
    return el(
      'section', { class: 'desk-ready', set: { 'aria-labelledby': 'desk-ready' } },
      el('h2', { text: 'desk.answers', set: { id: 'desk-ready' } }),
      el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.answers.find' }), this.#find),
      this.#list,
      el(
        'form', { class: 'form', on: { submit: add } },
        el('label', { class: 'field' }, el('span', { class: 'name', text: 'desk.answers.new' }), this.#new),
        this.#fault,
        el('button', { class: 'button', text: 'desk.answers.add', set: { type: 'submit' } }),
      ),
    );
  }

  /** Shows what belongs to another chat. @param {{notes: string, isChat: boolean, isOpen: boolean}} of */
  chat({ notes, isChat, isOpen }) {
    this.#chat.hidden = !isChat;
    this.#end.disabled = !isOpen;
    if (this.#hand !== null) this.#hand.disabled = !isOpen;
    if (this.#notes.value !== notes) this.#notes.value = notes;
  }

  focusNotes() {
    this.#notes.focus();
  }

  focusAnswers() {
    this.#find.focus();
    this.#find.select();
  }

  #show() {
    const found = this.#answers.matching(this.#find.value);
    const items = found.map(({ text, own }) => {
      const use = el('button', { class: 'desk-answer', label: ['desk.answers.use', { text }], set: { type: 'button', dir: 'auto' }, on: { click: () => this.#write(text) } }, text);
      const drop = el('button', { class: 'drop', label: ['desk.answers.drop', { text }], set: { type: 'button' }, on: { click: () => this.#drop(text) } }, icon('exit'));
      return el('li', {}, use, own ? drop : null);
    });
    if (items.length === 0 && this.#find.value.trim() !== '') items.push(el('li', { class: 'hint', text: 'desk.answers.none' }));
    this.#list.replaceChildren(...items);
  }

  /** @param {string} text */
  #drop(text) {
    this.#answers.drop(text);
    this.#show();
    this.#find.focus();
  }

  /** Writes the first that was found. */
  #first() {
    const [first] = this.#answers.matching(this.#find.value);
    if (first !== undefined) this.#write(first.text);
  }

  /** @param {string} text */
  #write(text) {
    if (!this.#use(text)) return void setText(this.#fault, 'desk.answers.no-chat');
    this.#fault.replaceChildren();
    this.#find.value = '';
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...this.#list.querySelectorAll('.desk-answer')];
    const at = buttons.findIndex((button) => button.parentElement?.contains(document.activeElement));
    const next = buttons[at + step] ?? this.#find;
    event.preventDefault();
    if (next instanceof HTMLElement) next.focus();
  }
}
