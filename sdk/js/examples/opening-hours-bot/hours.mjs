/** Opening hours, such as `Mon-Fri 09:00-17:00, Sat 10:00-12:30`. */

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const SPAN = /^(?<first>[A-Z][a-z]{2})(?:-(?<last>[A-Z][a-z]{2}))? (?<from>\d{2}:\d{2})-(?<to>\d{2}:\d{2})$/;

/** @typedef {{days: string[], from: string, to: string}} Span `to` is not open any more. */

/** @param {string} text @returns {Span[]} */
export function parseHours(text) {
  return text.split(',').map((part) => {
    const { first = '', last = first, from = '', to = '' } = SPAN.exec(part.trim())?.groups ?? {};
    const [begin, end] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    const isTime = (/** @type {string} */ time) => time <= '24:00' && time.slice(3) < '60';
    if (begin === -1 || end < begin || !isTime(from) || !isTime(to) || from >= to) throw new Error(`no opening hours: ${part.trim()}`);
    return { days: DAYS.slice(begin, end + 1), from, to };
  });
}

/** @param {Span[]} hours @param {string} timeZone An IANA name, such as `Asia/Seoul`. @param {Date} at */
export function isOpen(hours, timeZone, at) {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const { weekday = '', hour, minute } = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const time = `${hour}:${minute}`;
  return hours.some(({ days, from, to }) => days.includes(weekday) && from <= time && time < to);
}
