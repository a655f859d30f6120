// Numbers, times and names, in words.

export const UNKNOWN = 'unknown';

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

const isKnown = (value) => value !== null && value !== undefined;

export const count = (value) => (isKnown(value) ? WHOLE.format(value) : UNKNOWN);

/** `1 member`, `2 members`. */
export const several = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

export function rate(value) {
  if (!isKnown(value)) return UNKNOWN;
  return `${value > 0 && value < 10 ? value.toFixed(1) : WHOLE.format(value)}/s`;
}

export function seconds(value) {
  if (!isKnown(value)) return UNKNOWN;
  if (value > 0 && value < 1) return `${Math.max(1, Math.round(value * 1000))} ms`;
  if (value < 100) return `${Number(value.toFixed(1))} s`;
  if (value < 5400) return `${WHOLE.format(value / 60)} min`;
  return `${WHOLE.format(value / 3600)} h`;
}

export const clock = (atMs) => TIME.format(atMs);

/** `0–2, 5`, at most `most` of them. */
export function ranges(numbers, most = 6) {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const runs = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  const texts = runs.slice(0, most).map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ', ' : '–'}${to}`));
  return texts.join(', ') + (runs.length > most ? ' …' : '');
}

/** `a`, `a and b`, `a, b and c`, `a, b and 7 more`. */
export function list(names) {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** The end of a long name tells more than its beginning. */
export const cut = (name, length) => (name.length <= length ? name : `…${name.slice(1 - length)}`);
