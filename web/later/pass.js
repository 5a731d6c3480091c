/**
 * Passes: how a help line says who its helpers are (`docs/protocol.md`). The operator signs a pass over
 * a helper's key. Everybody who chats with the helper sees the pass, so it opens nothing by itself: the
 * server also asks for a proof, and who seeks help for a credential. A signed list takes passes back.
 *
 * Nothing here knows the network or a clock: times are arguments, in milliseconds since the Unix epoch.
 * Everything that signs or checks throws where the browser knows no Ed25519.
 */

import { concat, fromBase64url, toBase64url, utf8 } from '../bytes.js';
import { view } from '../packet.js';

/** @typedef {import('../bytes.js').Bytes} Bytes */

/**
 * What a pass says. `topics`: `null` for all, and for chats without one. `expires`: seconds since the
 * Unix epoch.
 * @typedef {{key: Bytes, role: 'seek' | 'offer', topics: string[] | null, expires: number, id: string}} Pass
 */
/**
 * Why something is not believed: it has not the form, none of the keys has signed it, or its time is
 * over, too long, or ahead.
 * @typedef {'unreadable' | 'forged' | 'expired' | 'long' | 'ahead'} Fault
 */
/** The passes that are taken back, by their ids, and when the list was made (seconds since the Unix epoch). @typedef {{made: number, ids: Set<string>}} Revocations */
/**
 * A helper with a pass. `proof` and `session` are for `POST /v1/sessions` at the host of the address that
 * was opened (`location.host`), and serve once; their 16 random bytes are new ones unless they are given.
 * `credential` is the body of the message of that kind.
 * @typedef {object} Helper
 * @property {string} pass
 * @property {Bytes} publicKey
 * @property {(host: string, now: number, random?: Bytes) => Promise<string>} proof
 * @property {(host: string, now: number) => Promise<{pass: string, pass_proof: string}>} session
 * @property {(transcript: Bytes, side: 'a' | 'b') => Promise<Bytes>} credential
 */

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const ID_BYTES = 16;
const RANDOM_BYTES = 16;
/** Longest pass, bytes: it travels in a link, which people copy, and in one message. */
export const PASS_BYTES = 2048;
/** Most topics of one pass. */
const TOPICS = 16;
/** How long a pass lives at most. */
const LONGEST_LIFE_MS = 92 * 24 * 60 * 60 * 1000;
/** How far the operator's clock may be ahead. */
const LEEWAY_MS = 5_000;
/** Longest list of revoked passes, bytes, and how many it may hold. */
const LIST_BYTES = 64 * 1024;
const REVOKED = 1000;
/** A list that is older may keep quiet about a theft. */
const LIST_LIFE_MS = 24 * 60 * 60 * 1000;

const PASS = 'cipher-chat-pass';
const LIST = 'cipher-chat-revoked-passes';
/** How a private key of Ed25519 begins in PKCS #8 (RFC 8410); the 32 bytes of its seed follow. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

/**
 * Reads a helper's link, or what stands after its `#`; `null` if it is none. Whether the pass is one is
 * not asked; who has a link without it is asked for it.
 * @param {string} link
 * @returns {{secret: Bytes, pass: string | null} | null}
 */
export function readLink(link) {
  const [text, pass = null] = /** @type {[string, string?]} */ (splitOnce(link.trim().replace(/^[^]*#/, '')));
  const secret = fromBase64url(text);
  if (secret?.length !== KEY_BYTES || (pass !== null && (pass === '' || pass.length > PASS_BYTES))) return null;
  return { secret, pass };
}

/** @param {string} text */
function splitOnce(text) {
  const dot = text.indexOf('.');
  return dot === -1 ? [text] : [text.slice(0, dot), text.slice(dot + 1)];
}

/**
 * The helper of this secret. Whether the pass is theirs is for the caller to see: it names `publicKey`.
 * @param {Bytes} secret
 * @param {string} pass
 * @returns {Promise<Helper>}
 */
export async function helperOf(secret, pass) {
  const { privateKey, publicKey } = await keyOf(secret);
  const sign = async (/** @type {Bytes} */ statement) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, statement));
  /** @type {Helper['proof']} */
  const proof = async (host, now, random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))) => {
    const [named, time] = [utf8(host), new Uint8Array(8)];
    view(time).setBigUint64(0, BigInt(now));
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(pass)));
    const signature = await sign(concat(utf8('cipher-chat.v2 pass session\0'), length(named), named, hash, time, random));
    return toBase64url(concat(time, random, signature));
  };
  return {
    pass,
    publicKey,
    proof,
    session: async (host, now) => ({ pass, pass_proof: await proof(host, now) }),
    credential: async (transcript, side) => concat(length(utf8(pass)), utf8(pass), await sign(credentialStatement(transcript, side))),
  };
}

/**
 * The helper's key: the seed is HKDF-SHA256 of the secret.
 * @param {Bytes} secret
 */
async function keyOf(secret) {
  const input = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: utf8('cipher-chat.v2 pass'), info: new Uint8Array(0) };
  const seed = new Uint8Array(await crypto.subtle.deriveBits(how, input, KEY_BYTES * 8));
  const pkcs8 = concat(PKCS8, seed);
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
    // The public half comes out only with the private one.
    const { x } = await crypto.subtle.exportKey('jwk', await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']));
    return { privateKey, publicKey: /** @type {Bytes} */ (fromBase64url(x ?? '')) };
  } finally {
    seed.fill(0);
    pkcs8.fill(0);
  }
}

/**
 * What a pass says, whoever has signed it and whenever it ends: to show it, not to believe it.
 * @param {string} text
 * @returns {Pass | null}
 */
export function readPass(text) {
  const claims = text.length > PASS_BYTES ? undefined : partsOf(PASS, text)?.claims;
  return claims === undefined ? null : passOf(claims);
}

/**
 * Checks a pass: who has signed it, what it is, and that it is not over. Whether it is revoked is
 * another question, and so is whose it is.
 * @param {string} text
 * @param {readonly Bytes[]} keys The operator's.
 * @param {number} now
 * @returns {Promise<Pass | Fault>}
 */
export async function verifyPass(text, keys, now) {
  const pass = readPass(text);
  if (pass === null) return 'unreadable';
  if (!(await isSigned(text, keys))) return 'forged';
  if (pass.expires <= Math.floor(now / 1000)) return 'expired';
  return pass.expires > Math.floor((now + LONGEST_LIFE_MS + LEEWAY_MS) / 1000) ? 'long' : pass;
}

/**
 * Takes a credential apart; `null` if it has not the form.
 * @param {Bytes} body
 * @returns {{pass: string, signature: Bytes} | null}
 */
export function readCredential(body) {
  const bytes = body.length < 2 ? -1 : view(body).getUint16(0);
  if (bytes < 0 || bytes > PASS_BYTES || body.length !== 2 + bytes + SIGNATURE_BYTES) return null;
  const pass = textOf(body.subarray(2, 2 + bytes));
  return pass === null ? null : { pass, signature: body.slice(2 + bytes) };
}

/**
 * Whose a credential is, if it was made for this chat by who is on that side of it. Whether the pass is
 * revoked, and what it allows, are other questions.
 * @param {Bytes} body
 * @param {readonly Bytes[]} keys The operator's.
 * @param {Bytes} transcript The hash of the handshake.
 * @param {'a' | 'b'} side The helper's.
 * @param {number} now
 * @returns {Promise<Pass | Fault>}
 */
export async function verifyCredential(body, keys, transcript, side, now) {
  const credential = readCredential(body);
  if (credential === null) return 'unreadable';
  const pass = await verifyPass(credential.pass, keys, now);
  if (typeof pass === 'string') return pass;
  return await hasSigned(pass.key, credential.signature, credentialStatement(transcript, side)) ? pass : 'forged';
}

/** @param {Bytes} transcript @param {'a' | 'b'} side */
function credentialStatement(transcript, side) {
  return concat(utf8('cipher-chat.v2 credential\0'), transcript, utf8(side));
}

/**
 * Whether a pass is for who helps with this topic; without one it has to be for all.
 * @param {Pass} pass
 * @param {string | undefined} topic
 */
export function helpsWith({ role, topics }, topic) {
  if (role !== 'offer') return false;
  return topics === null || (topic !== undefined && topics.some((listed) => alike(listed) === alike(topic)));
}

/**
 * A topic as people compare it. The server compares more exactly, and has done so before the two met.
 * @param {string} topic
 */
function alike(topic) {
  const seen = topic.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return seen.toUpperCase().toLowerCase().normalize('NFKC').trim().replace(/\s+/gu, ' ');
}

/**
 * Checks a list of the passes that are taken back.
 * @param {string} text
 * @param {readonly Bytes[]} keys The operator's.
 * @param {number} now
 * @returns {Promise<Revocations | Fault>}
 */
export async function readRevocations(text, keys, now) {
  const claims = text.length > LIST_BYTES ? undefined : partsOf(LIST, text)?.claims;
  if (claims === undefined || !hasOnly(claims, ['aud', 'iat', 'revoked']) || claims.aud !== LIST || !isSecond(claims.iat)) return 'unreadable';
  const { revoked } = claims;
  if (!isObject(revoked)) return 'unreadable';
  const ids = Object.keys(revoked);
  if (ids.length > REVOKED || !ids.every((id) => isId(id) && isSecond(revoked[id]))) return 'unreadable';
  if (!(await isSigned(text, keys))) return 'forged';
  if (claims.iat * 1000 > now + LEEWAY_MS) return 'ahead';
  return { made: claims.iat, ids: new Set(ids) };
}

/** Whether a list is new enough to say that a pass was not taken back. @param {Revocations} list @param {number} now */
export function isCurrent({ made }, now) {
  return now - made * 1000 <= LIST_LIFE_MS;
}

/**
 * Signed JSON (RFC 7515, compact form), read strictly: one algorithm, one type, nothing unknown.
 * @param {string} kind
 * @param {string} text
 */
function partsOf(kind, text) {
  const [header, claims, signature, ...more] = text.split('.');
  if (signature === undefined || more.length > 0) return null;
  const [head, body] = [objectOf(header), objectOf(claims)];
  const bytes = fromBase64url(signature);
  if (head === null || body === null || bytes?.length !== SIGNATURE_BYTES) return null;
  if (!hasOnly(head, ['alg', 'typ']) || head.alg !== 'EdDSA' || head.typ !== kind) return null;
  return { claims: body, signed: utf8(`${header}.${claims}`), signature: bytes };
}

/**
 * Whether one of the keys has signed what was read before.
 * @param {string} text
 * @param {readonly Bytes[]} keys
 */
async function isSigned(text, keys) {
  const dot = text.lastIndexOf('.');
  const signature = fromBase64url(text.slice(dot + 1));
  for (const key of keys) if (signature !== null && await hasSigned(key, signature, utf8(text.slice(0, dot)))) return true;
  return false;
}

/** @param {Bytes} key @param {Bytes} signature @param {Bytes} statement */
async function hasSigned(key, signature, statement) {
  const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']).catch(onlyBadKeys);
  return imported !== null && crypto.subtle.verify('Ed25519', imported, signature, statement);
}

/** Some browsers refuse a key that is no point. @param {unknown} fault */
function onlyBadKeys(fault) {
  if (/** @type {{name?: string}} */ (fault).name === 'DataError') return null;
  throw fault;
}

/** @param {Record<string, any>} claims @returns {Pass | null} */
function passOf({ topics: named, ...claims }) {
  if (!hasOnly(claims, ['aud', 'key', 'role', 'exp', 'jti']) || claims.aud !== PASS || !isSecond(claims.exp) || !isId(claims.jti)) return null;
  if (claims.role !== 'seek' && claims.role !== 'offer') return null;
  const topics = named ?? null;
  if (topics !== null && !isTopics(topics)) return null;
  const key = typeof claims.key === 'string' ? fromBase64url(claims.key) : null;
  return key?.length === KEY_BYTES ? { key, role: claims.role, topics, expires: claims.exp, id: claims.jti } : null;
}

/** @param {unknown} topics @returns {topics is string[]} */
function isTopics(topics) {
  return Array.isArray(topics) && topics.length >= 1 && topics.length <= TOPICS && topics.every((topic) => typeof topic === 'string' && alike(topic) !== '');
}

/** @param {unknown} id */
function isId(id) {
  return typeof id === 'string' && fromBase64url(id)?.length === ID_BYTES;
}

/** @param {unknown} time */
function isSecond(time) {
  return Number.isSafeInteger(time) && Number(time) >= 0;
}

/** Whether these fields are there, and no others. @param {Record<string, unknown>} object @param {string[]} fields */
function hasOnly(object, fields) {
  return Object.keys(object).length === fields.length && fields.every((field) => Object.hasOwn(object, field));
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object in base64url. @param {string} text */
function objectOf(text) {
  const json = textOf(fromBase64url(text) ?? new Uint8Array(0));
  try {
    const value = JSON.parse(json ?? '');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
function textOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** @param {Bytes} bytes */
function length(bytes) {
  const two = new Uint8Array(2);
  view(two).setUint16(0, bytes.length);
  return two;
}
