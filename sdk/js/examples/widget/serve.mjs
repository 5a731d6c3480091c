/**
 * Serves the example as a site would, with a strict content security policy. The chat server has to let
 * the site's origin in: `cipher-chat serve --allowed-origin http://127.0.0.1:8090`.
 *
 *     CHAT_URL=http://localhost:8080 TOPIC=shop node serve.mjs
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = new URL('./', import.meta.url);
const PACKAGE = new URL('./', import.meta.resolve('cipher-chat'));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
const OWN = new Map([['/', 'index.html'], ['/widget.js', 'widget.js'], ['/widget.css', 'widget.css']]);

const { CHAT_URL = 'http://localhost:8080', TOPIC = 'shop', PORT = '8090' } = process.env;
const server = new URL(CHAT_URL);

/** Only this site's files, and the chat server by name. No text becomes markup or a script. */
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", `connect-src ${server.origin} ${server.origin.replace(/^http/, 'ws')}`,
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

/** @param {string} path */
function fileOf(path) {
  const own = OWN.get(path);
  if (own !== undefined) return new URL(own, HERE);
  const [, module] = /^\/cipher-chat\/((?:[\w-]+\/)*[\w-]+\.js)$/.exec(path) ?? [];
  return module === undefined ? null : new URL(module, PACKAGE);
}

const site = createServer(async (request, response) => {
  const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname);
  const content = file === null ? null : await readFile(file, 'utf8').catch(() => null);
  if (file === null || content === null) return void response.writeHead(404).end();
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('content-type', TYPES[/** @type {keyof typeof TYPES} */ (extname(fileURLToPath(file)))]);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.end(content.replace('{{server}}', server.href).replace('{{topic}}', TOPIC));
});
site.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());
  console.log(`open http://127.0.0.1:${port}/`);
});
