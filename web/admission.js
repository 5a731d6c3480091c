/** Makes a session, with a proof of work where the operator asks for one, and with a helper's pass. */

import { problemOf } from './rest.js';
import { solve } from './work.js';

/** The server asks for a proof. */
const PROOF_NEEDED = 428;
/** There is nothing to solve. */
const NO_PUZZLE = 204;
/** Puzzles that are tried for one session: a proof may come too late, or be spent. */
const MOST_PUZZLES = 4;
/** What another puzzle helps against. */
const SOLVE_AGAIN = ['admission', 'proof-expired', 'proof-spent', 'bad-proof'];

/**
 * The answer to `POST /v1/sessions`; `null` when there is none, `'cancelled'` when the person does not
 * want to wait for the work, `'unproved'` when no proof was accepted.
 * @param {import('./rest.js').Call} request How the server is called.
 * @param {AbortSignal} signal
 * @param {(share: number) => void} working Takes the share of the work that is done.
 * @param {() => Promise<object | undefined>} [helping] The helper's pass, with a proof that serves once.
 * @returns {Promise<Response | null | 'cancelled' | 'unproved'>}
 */
export async function makeSession(request, signal, working, helping = async () => undefined) {
  const ask = async (/** @type {object} */ more = {}) => request('POST', 'v1/sessions', null, bodyOf({ ...(await helping()), ...more }));
  let response = await ask();
  let badProofs = 0;
  for (let puzzles = 0; puzzles < MOST_PUZZLES && (await wantsProof(response)); puzzles++) {
    if ((await problemOf(response)) === 'bad-proof' && ++badProofs > 1) break;
    const asked = await request('GET', 'v1/challenge');
    if (asked?.status === NO_PUZZLE) {
      response = await ask();
      continue;
    }
    if (asked === null || !asked.ok) return asked;
    const proof = await solve(await asked.json(), signal, working);
    if (signal.aborted) return 'cancelled';
    if (proof === null) break;
    working(1);
    response = await ask({ proof });
  }
  return (await wantsProof(response)) ? 'unproved' : response;
}

/** Most sessions are made without a word. @param {object} said */
function bodyOf(said) {
  return Object.keys(said).length > 0 ? said : undefined;
}

/** @param {Response | null} response */
async function wantsProof(response) {
  return response?.status === PROOF_NEEDED || (response?.status === 403 && SOLVE_AGAIN.includes((await problemOf(response)) ?? ''));
}
