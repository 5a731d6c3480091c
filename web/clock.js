/**
 * Time as the page believes it: the monotonic clock alone. The wall clock of a device may be years
 * off, or jump; the page never goes by it.
 */

/** Milliseconds since the page began. */
export const now = () => performance.now();

/** Resolves so long after. @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
