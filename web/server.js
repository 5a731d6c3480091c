/**
 * Where the server is: beside the page that it has served, or, for a page that was opened from a file,
 * where the file or the person says (`cipher-chat page --single-file`).
 */

/** Named by the file; empty if the person is to say it. A page that a server has served has none. */
const named = globalThis.document?.querySelector('meta[name=cipher-chat-server]')?.getAttribute('content') ?? null;

/** Whether this page is a file of the person's own. */
export const isFile = named !== null;

/** Whether this page is shown inside another one, which the operator has allowed. */
export const isEmbedded = !isFile && globalThis.location?.pathname.endsWith('/embed') === true;

/** The base of all calls, with a slash at its end. @type {URL | null} */
let base = null;
if (named === null) base = globalThis.location === undefined ? null : new URL('./', location.href);
else if (named !== '') base = new URL(withSlash(named));

/** Whether it is known where the server is. */
export function hasServer() {
  return base !== null;
}

/** The address of something that the server has, or of the server itself. @param {string} [path] */
export function atServer(path = '') {
  if (base === null) throw new Error('no server was named');
  const address = new URL(path, base);
  address.hash = address.search = '';
  return address;
}

/**
 * Takes the server that the person has agreed to. From then on the browser lets this page talk to it
 * alone: policies add up.
 * @param {URL} server
 */
export function takeServer(server) {
  base = server;
  const policy = document.createElement('meta');
  policy.httpEquiv = 'content-security-policy';
  policy.content = `connect-src ${atServer('v1/').href} ${socketAt('v1/').href}`;
  document.head.append(policy);
}

/** The address of a WebSocket of the server. @param {string} path */
export function socketAt(path) {
  const address = atServer(path);
  address.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:';
  return address;
}

/**
 * Reads an address that somebody has typed, or that a link has named; `null` if it is none that may be
 * used. In the clear only this device and onion services are talked to: others could be listened to.
 * @param {string} text
 */
export function serverOf(text) {
  const written = text.trim();
  const whole = written.includes('://') ? written : `https://${written}`;
  if (written === '' || !URL.canParse(whole)) return null;
  const url = new URL(whole);
  const isClear = url.protocol === 'http:' && (/^(localhost|127\.0\.0\.1)$/.test(url.hostname) || url.hostname.endsWith('.onion'));
  // A policy cannot name an address of IPv6.
  if ((url.protocol !== 'https:' && !isClear) || url.hostname.startsWith('[') || url.username !== '' || url.password !== '') return null;
  url.hash = url.search = '';
  return new URL(withSlash(url.href));
}

/** The server that the fragment of a file's address names; `null` without one. @param {string} fragment */
export function serverOfFragment(fragment) {
  const [, text] = fragment.match(/^#server=(.+)$/) ?? [];
  try {
    return text === undefined ? null : serverOf(decodeURIComponent(text));
  } catch {
    return null;
  }
}

/** @param {string} address */
function withSlash(address) {
  return address.endsWith('/') ? address : `${address}/`;
}
