/** Leaving quickly: a button that is always in reach, and Escape three times. */

import { belongsToInputMethod, el, icon } from './dom.js';

const PRESSES = 3;
/** Longer pauses are somebody who closes one dialog after another. */
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
  addEventListener('keydown', (event) => {
    // A key that is held down repeats, and an input method takes Escape for itself.
    if (event.key !== 'Escape' || event.repeat || belongsToInputMethod(event)) return;
    presses = [...presses, event.timeStamp].slice(-PRESSES);
    if (presses.length === PRESSES && event.timeStamp - presses[0] <= WITHIN_MS) exit();
  }, { capture: true });
}
