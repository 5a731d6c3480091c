/** Builds nodes. Text is inserted as text, never as markup. */

import { setText, translate } from './i18n.js';

/** @typedef {import('./i18n.js').Key} Key */
/** @typedef {import('./i18n.js').Values} Values */
/** @typedef {Key | [Key, Values]} Translatable */

/**
 * @typedef {object} Props
 * @property {string} [class]
 * @property {Translatable} [text] The text, in the person's language.
 * @property {Translatable} [label] The same for `aria-label`.
 * @property {Translatable} [title] The same for `title`.
 * @property {Translatable} [placeholder] The same for `placeholder`.
 * @property {Record<string, string | boolean>} [set] Other attributes; `false` leaves one out.
 * @property {Record<string, (event: any) => void>} [on] Listeners by event.
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} props
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  if (props.class) node.className = props.class;
  bind(node, props.text, '');
  bind(node, props.label, 'aria-label');
  bind(node, props.title, 'title');
  bind(node, props.placeholder, 'placeholder');
  for (const [name, value] of Object.entries(props.set ?? {})) {
    if (value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  for (const [event, listener] of Object.entries(props.on ?? {})) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {Element} node @param {Translatable | undefined} said @param {string} attribute */
function bind(node, said, attribute) {
  if (said === undefined) return;
  const [key, values] = typeof said === 'string' ? [said, {}] : said;
  setText(node, key, values, attribute);
}

/** Line drawings on a 24 by 24 grid. */
const ICONS = {
  shield: 'M12 3l7 3v5c0 4.6-2.9 8.2-7 10-4.1-1.8-7-5.4-7-10V6zM9 11.8l2.2 2.2L15.2 10',
  next: 'M5 12h13M13 6.5l5.5 5.5-5.5 5.5',
  leave: 'M14 4h4a1 1 0 011 1v14a1 1 0 01-1 1h-4M10 8l-4 4 4 4M6 12h9',
  report: 'M6 21V4M6 5h11l-2.5 3.5L17 12H6',
  send: 'M12 19V6M6.5 11.5L12 6l5.5 5.5',
  down: 'M12 5v13M6.5 12.5L12 18l5.5-5.5',
  sending: 'M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4l2.5 1.5',
  sent: 'M5 12.5l4.5 4.5L19 7.5',
  delivered: 'M2.5 12.5L7 17l8.5-9M12 16.2l.8.8L21.5 8',
  lost: 'M12 5v9M12 18v.5',
  exit: 'M6 6l12 12M18 6L6 18',
  lock: 'M7 11V8a5 5 0 0110 0v3M6 11h12v9H6z',
  feather: 'M4 20c2-6 6-13 16-16-1 8-5 12-12 12M4 20l7-8',
  mask: 'M12 4a4 4 0 100 8 4 4 0 000-8zM5 20c.6-4 3.4-6 7-6s6.4 2 7 6',
  bell: 'M6 17V11a6 6 0 0112 0v6M4 17h16M10 20.5h4',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  plus: 'M12 5v14M5 12h14',
  reply: 'M9 5.5L4 10.5l5 5M4 10.5h10a6 6 0 016 6v2',
  edit: 'M4 20h4L19.5 8.5l-4-4L4 16zM13 7l4 4',
  delete: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  copy: 'M8 8h12v12H8zM8 16H4V4h12v4',
  timer: 'M12 5.5a7.5 7.5 0 100 15 7.5 7.5 0 000-15zM12 9v4l2.5 2M9.5 2.5h5',
  link: 'M10 14a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1',
};

/**
 * An icon, which is hidden from screen readers.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [key, value] of [['viewBox', '0 0 24 24'], ['class', 'icon'], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A QR code as a picture.
 * @param {boolean[][]} modules
 * @param {Key} name
 */
export function qrPicture(modules, name) {
  const size = modules.length + 8;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('class', 'qr');
  svg.setAttribute('role', 'img');
  svg.setAttribute('shape-rendering', 'crispEdges');
  setText(svg, name, {}, 'aria-label');
  const path = document.createElementNS(SVG, 'path');
  const dark = modules.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x + 4} ${y + 4}h1v1h-1z`] : [])));
  path.setAttribute('d', dark.join(''));
  svg.append(path);
  return svg;
}

/** Two circles that overlap: the page's logo, also shown while waiting. @param {string} name */
export function circles(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 48 32');
  svg.setAttribute('class', name);
  svg.setAttribute('aria-hidden', 'true');
  for (const [x, side] of [['17', 'one'], ['31', 'two']]) {
    const circle = document.createElementNS(SVG, 'circle');
    circle.setAttribute('cx', x);
    circle.setAttribute('cy', '16');
    circle.setAttribute('r', '11');
    circle.setAttribute('class', side);
    svg.append(circle);
  }
  return svg;
}

/**
 * Announces a text to screen readers without moving the focus.
 * @param {Key} key
 * @param {Values} [values]
 */
export function announce(key, values = {}) {
  const region = document.getElementById('announcer');
  if (region === null) return;
  // A new node each time, so that the same text is read twice if it comes twice.
  const line = document.createElement('p');
  line.textContent = translate(key, values);
  region.replaceChildren(line);
}

/** Takes back what was announced last: it says something that is gone. */
export function unsay() {
  document.getElementById('announcer')?.replaceChildren();
}

/** The key code of every key that an input method has taken (UI Events, 7.3.1). */
const COMPOSING = 229;

/**
 * Whether a key belongs to an input method that composes (Korean, Japanese, …). Safari says
 * `compositionend` before the Enter that ends a composition; only the key code still tells.
 * @param {KeyboardEvent} event
 */
export function belongsToInputMethod(event) {
  return event.isComposing || event.keyCode === COMPOSING;
}

/**
 * Opens a modal dialog that is removed when closed. Escape closes it, and the focus returns to
 * where it was.
 * @param {string} name For style.
 * @param {Key} heading
 * @param {(close: () => void) => (Node | null)[]} content
 */
export function openDialog(name, heading, content) {
  const dialog = el('dialog', { class: `dialog ${name}`, set: { 'aria-labelledby': 'dialog-heading' } });
  const close = () => dialog.close();
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) close();
  });
  // The heading gets the focus unless something else asks for it, so that a long text is read from
  // its start.
  const title = el('h2', { text: heading, set: { id: 'dialog-heading', tabindex: '-1', autofocus: true } });
  const inside = content(close).filter((node) => node !== null);
  if (inside.some((node) => node instanceof Element && node.querySelector('[autofocus]'))) title.removeAttribute('autofocus');
  dialog.append(el('div', { class: 'dialog-inside' }, title, ...inside));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
