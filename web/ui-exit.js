/** Leaving quickly: a button that is always in reach, and Escape three times. */

import { belongsToInputMethod, el, icon } from './dom.js';
import { setText } from './i18n.js';
import { isEmbedded } from './server.js';

const PRESSES = 3;
/** Longer pauses are somebody who closes what is open, and looks. */
const WITHIN_MS = 1500;

/** @param {() => void} exit */
export function exitButton(exit) {
  return el(
    'button', { class: 'textual exit', label: 'nav.exit.how', title: 'nav.exit.how', set: { type: 'button' }, on: { click: exit } },
    icon('exit'), el('span', { class: 'exit-name', text: 'nav.exit' }),
  );
}

/** @param {() => void} exit */
export function onThreeEscapes(exit) {
  /** When Escape was pressed, the last presses. @type {number[]} */
  let presses = [];
  const begin = () => {
    presses = [];
  };
  // Somebody who does something in between closes one dialog after another.
  addEventListener('pointerdown', begin, { capture: true });
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return begin();
    // A key that is held down repeats, and an input method takes Escape for itself.
    if (event.repeat || belongsToInputMethod(event)) return;
    presses = [...presses, event.timeStamp].slice(-PRESSES);
    if (presses.length === PRESSES && event.timeStamp - presses[0] <= WITHIN_MS) exit();
  }, { capture: true });
}

/**
 * Takes this page's place in the history: the way back leads to what was before it. A page around this
 * one goes, too; if it does not let itself be taken away, at least nothing is left in its frame.
 * @param {string} url
 */
export function leaveFor(url) {
  if (!isEmbedded) return location.replace(url);
  try {
    top?.location.replace(url);
  } finally {
    location.replace('about:blank');
  }
}

/** Nothing but this one page may be framed: home is a tab of its own, whose address can be seen. @param {HTMLAnchorElement} brand */
export function openAlone(brand) {
  brand.target = '_blank';
  brand.rel = 'noopener';
  setText(brand, 'embed.alone', {}, 'aria-label');
  setText(/** @type {Element} */ (brand.lastElementChild), 'embed.alone');
}
