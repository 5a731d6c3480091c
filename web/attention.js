/**
 * Tells a person who looks at another tab that somebody came, wrote or left: by the title and the
 * icon at once, by a sound and a notification if they were asked for. None of them says what was
 * written. Nothing of it is kept when the page is closed.
 */

import { translate } from './i18n.js';

/** @typedef {'came' | 'wrote' | 'left'} Happening */

/** Two short notes, Hz. */
const NOTES = [660, 880];
const NOTE_S = 0.14;
/** Quiet: a person may sit beside others. */
const VOLUME = 0.08;

export class Attention {
  #unread = 0;
  /** What happened last that was not seen. @type {Happening | null} */ #last = null;
  /** @type {AudioContext | null} */ #audio = null;
  #notifies = false;
  /** @type {Notification | null} */ #notification = null;

  constructor() {
    for (const [target, event] of /** @type {const} */ ([[document, 'visibilitychange'], [window, 'focus']])) {
      target.addEventListener(event, () => isLookedAt() && this.#seen());
    }
  }

  /** The page's title, which says what was not seen. */
  get title() {
    if (this.#last === null) return translate('title');
    if (this.#last === 'wrote') return translate('title.unread', { count: this.#unread });
    return translate(`title.${this.#last}`);
  }

  /** @param {Happening} what */
  happened(what) {
    if (isLookedAt()) return;
    if (what === 'wrote') this.#unread += 1;
    this.#last = what;
    this.#show();
    this.sound();
    this.#notify();
  }

  /** Shows the title and the icon. */
  #show() {
    document.title = this.title;
    // Both icons are named by index.html.
    const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel=icon]'));
    const wanted = this.#last === null ? icon?.dataset.usual : icon?.dataset.new;
    if (icon !== null && wanted !== undefined && icon.getAttribute('href') !== wanted) icon.setAttribute('href', wanted);
  }

  #seen() {
    this.#unread = 0;
    this.#last = null;
    this.#notification?.close();
    this.#notification = null;
    this.#show();
  }

  // What is asked for --------------------------------------------------------------------------------------------

  get hasSound() {
    return this.#audio !== null;
  }

  /** Turns the sound on or off, at a person's click: browsers allow it only then. @param {boolean} on */
  async setSound(on) {
    if (!on) {
      await this.#audio?.close();
      this.#audio = null;
      return;
    }
    this.#audio ??= new AudioContext();
    await this.#audio.resume();
    this.sound();
  }

  get hasNotifications() {
    return this.#notifies;
  }

  /**
   * Turns notifications on or off. Returns whether they are on: the browser or the person may refuse.
   * @param {boolean} on
   */
  async setNotifications(on) {
    this.#notifies = on && 'Notification' in globalThis && (await Notification.requestPermission()) === 'granted';
    return this.#notifies;
  }

  /** Plays the notes, if that was asked for. */
  sound() {
    const audio = this.#audio;
    if (audio === null) return;
    NOTES.forEach((frequency, at) => {
      const begin = audio.currentTime + at * NOTE_S;
      const tone = new OscillatorNode(audio, { frequency });
      const volume = new GainNode(audio, { gain: VOLUME });
      // Without the slope the end of a note would crack.
      volume.gain.setTargetAtTime(0, begin + NOTE_S / 2, NOTE_S / 8);
      tone.connect(volume).connect(audio.destination);
      tone.start(begin);
      tone.stop(begin + NOTE_S);
    });
  }

  #notify() {
    if (!this.#notifies) return;
    try {
      // One at a time: a newer one takes its place.
      this.#notification = new Notification(translate('title'), { body: translate('alerts.notice'), tag: 'cipher-chat', silent: true });
      this.#notification.onclick = () => window.focus();
    } catch {
      // Some telephones have them for installed pages only.
      this.#notifies = false;
    }
  }
}

function isLookedAt() {
  return document.visibilityState === 'visible' && document.hasFocus();
}
