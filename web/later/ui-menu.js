/** What can be done with a message: a menu beside it. */

import { el, icon } from '../dom.js';

/** @typedef {import('../transcript.js').ChatEntry} ChatEntry */
/** @typedef {import('../i18n.js').Key} Key */

/**
 * What a person can do with a message.
 * @typedef {object} MenuActs
 * @property {(entry: ChatEntry, text: string) => void} react Empty: takes the reaction back.
 * @property {(entry: ChatEntry) => void} reactOther
 * @property {(entry: ChatEntry) => void} reply
 * @property {(entry: ChatEntry) => void} edit
 * @property {(entry: ChatEntry) => void} delete
 * @property {(entry: ChatEntry) => void} copy
 */

/** What people say most without a word. */
const REACTIONS = ['👍', '❤️', '😂', '😮', '😢', '🙏'];
/** Between the menu and what it belongs to, or the edge of the window; pixels. */
const GAP = 4;

/**
 * Opens the menu of a message. Escape and a click elsewhere close it. Returns what closes it.
 * @param {ChatEntry} entry
 * @param {HTMLButtonElement} button What it belongs to.
 * @param {MenuActs} acts
 * @param {boolean} isOver Whether the chat has ended: then nothing can be sent.
 */
export function openMenu(entry, button, acts, isOver) {
  const close = () => menu.hidePopover();
  /** @param {() => void} act */
  const then = (act) => () => {
    close();
    if (entry.state === 'shown') act();
  };
  const reactions = REACTIONS.map((text) => {
    const isMine = entry.reactions.mine === text;
    return el('button', {
      class: 'menu-reaction', label: ['act.react', { emoji: text }],
      set: { type: 'button', role: 'menuitemradio', 'aria-checked': String(isMine), tabindex: '-1' },
      on: { click: then(() => acts.react(entry, isMine ? '' : text)) },
    }, text);
  });
  const other = el('button', {
    class: 'menu-reaction', label: 'act.other', title: 'act.other', set: { type: 'button', role: 'menuitem', tabindex: '-1' },
    on: { click: then(() => acts.reactOther(entry)) },
  }, icon('plus'));
  /** @param {'reply' | 'edit' | 'delete' | 'copy'} name */
  const item = (name) => el('button', {
    class: `menu-item ${name}`, set: { type: 'button', role: 'menuitem', tabindex: '-1' }, on: { click: then(() => acts[name](entry)) },
  }, icon(name), el('span', { text: `act.${name}` }));
  const isOwn = entry.mine && !isOver;
  const menu = el(
    'div', { class: 'menu', label: 'act.open', set: { role: 'menu', popover: 'auto' } },
    isOver ? null : el('div', { class: 'menu-reactions', set: { role: 'none' } }, ...reactions, other),
    isOver ? null : item('reply'), item('copy'), isOwn ? item('edit') : null, isOwn ? item('delete') : null,
  );
  menu.addEventListener('keydown', (event) => walk(menu, event));
  menu.addEventListener('beforetoggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') return;
    button.setAttribute('aria-expanded', 'false');
    button.popoverTargetElement = null;
  });
  // A window changes while its on-screen keyboard goes away.
  const move = () => place(menu, button);
  addEventListener('resize', move);
  menu.addEventListener('toggle', (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === 'open') return;
    removeEventListener('resize', move);
    menu.remove();
  });
  // A second press of the button closes the menu, and does not open it once more.
  button.popoverTargetElement = menu;
  button.popoverTargetAction = 'hide';
  button.closest('.chat')?.append(menu);
  menu.showPopover();
  place(menu, button);
  button.setAttribute('aria-expanded', 'true');
  menu.querySelector('button')?.focus();
  return close;
}

/** Puts the menu below its button, or above it where there is more room. @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
  const [at, { width, height }] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
  const { clientWidth, clientHeight } = document.documentElement;
  const isMine = button.closest('.mine') !== null;
  const startsLeft = (document.documentElement.dir === 'rtl') === isMine;
  const left = startsLeft ? at.left : at.right - width;
  const below = at.bottom + GAP;
  const top = below + height <= clientHeight - GAP ? below : at.top - GAP - height;
  menu.style.left = `${Math.max(GAP, Math.min(left, clientWidth - width - GAP))}px`;
  menu.style.top = `${Math.max(GAP, Math.min(top, clientHeight - height - GAP))}px`;
}

/** Arrows go through the menu, and Tab leaves it. @param {HTMLElement} menu @param {KeyboardEvent} event */
function walk(menu, event) {
  if (event.key === 'Tab') return menu.hidePopover();
  const items = [...menu.querySelectorAll('button')];
  const at = items.findIndex((item) => item === document.activeElement);
  // Where lines run from right to left, the row of reactions does, too.
  const [back, on] = document.documentElement.dir === 'rtl' ? ['ArrowRight', 'ArrowLeft'] : ['ArrowLeft', 'ArrowRight'];
  const row = items.filter((item) => item.classList.contains('menu-reaction')).length;
  const to = {
    [back]: at - 1, [on]: at + 1, Home: 0, End: items.length - 1,
    ArrowDown: at < row ? row : at + 1, ArrowUp: at === row ? 0 : at < row ? items.length - 1 : at - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
}
