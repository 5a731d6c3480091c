/** What tells a person who looks elsewhere that something has happened. */

import { el, icon, openDialog } from './dom.js';
import { setText } from './i18n.js';

/** @typedef {import('./attention.js').Attention} Attention */

/** A button that opens the choice. @param {Attention} attention */
export function alertsButton(attention) {
  return el('button', { class: 'textual alerts', set: { type: 'button' }, on: { click: () => showAlerts(attention) } }, icon('bell'), el('span', { text: 'alerts.open' }));
}

/** @param {Attention} attention */
function showAlerts(attention) {
  const fault = el('p', { class: 'fault', set: { role: 'alert' } });
  const sound = box(attention.hasSound);
  sound.addEventListener('change', () => void attention.setSound(sound.checked));
  const notifications = box(attention.hasNotifications);
  notifications.addEventListener('change', async () => {
    fault.replaceChildren();
    const wanted = notifications.checked;
    notifications.checked = await attention.setNotifications(wanted);
    if (wanted && !notifications.checked) setText(fault, 'alerts.refused');
  });
  return openDialog('alerts-choice', 'alerts.heading', (close) => [
    el('p', { text: 'alerts.lead' }),
    el(
      'div', { class: 'choices' },
      el('label', { class: 'choice' }, sound, el('span', { text: 'alerts.sound' })),
      el('label', { class: 'choice' }, notifications, el('span', { text: 'alerts.notifications' })),
    ),
    fault,
    el('p', { class: 'hint', text: 'alerts.forgotten' }),
    el('div', { class: 'actions end' }, el('button', { class: 'button primary', text: 'safety.close', set: { type: 'button' }, on: { click: close } })),
  ]);
}

/** @param {boolean} checked */
function box(checked) {
  return el('input', { set: { type: 'checkbox', checked } });
}
