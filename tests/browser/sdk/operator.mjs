/** An operator of a help line: signs the passes of helpers, and the list of those that are taken back. */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

import { helperOf } from '../../../web/later/pass.js';

const text = (value) => Buffer.from(value).toString('base64url');

export class Operator {
  #pair = generateKeyPairSync('ed25519');
  key = this.#pair.publicKey.export({ format: 'jwk' }).x;
  pem = this.#pair.publicKey.export({ format: 'pem', type: 'spki' });

  sign(typ, claims) {
    const signed = `${text(JSON.stringify({ alg: 'EdDSA', typ }))}.${text(JSON.stringify({ aud: typ, ...claims }))}`;
    return `${signed}.${text(sign(null, Buffer.from(signed), this.#pair.privateKey))}`;
  }

  /** A list of revoked passes, made now. */
  list(...ids) {
    const ends = Math.floor(Date.now() / 1000) + 3600;
    return this.sign('cipher-chat-revoked-passes', { iat: Math.floor(Date.now() / 1000), revoked: Object.fromEntries(ids.map((id) => [id, ends])) });
  }

  /** A helper's link, with a pass for an hour. */
  async link(topics = undefined) {
    const secret = new Uint8Array(randomBytes(32));
    const { publicKey } = await helperOf(secret, '');
    const [key, jti] = [text(publicKey), text(randomBytes(16))];
    const pass = this.sign('cipher-chat-pass', { key, role: 'offer', ...(topics && { topics }), exp: Math.floor(Date.now() / 1000) + 3600, jti });
    return { link: `https://chat.example/desk#${text(secret)}.${pass}`, pass, id: jti };
  }
}
