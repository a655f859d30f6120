// Delay against its target, as a line. Where it was not known there is none.

import { axis, marks, times } from './axis.js';
import { byId, say, set, shape } from './dom.js';
import { level } from './flow.js';
import { seconds } from './wording.js';

const picture = byId('delay');
const [TOP, HEIGHT, BOTTOM] = [10, 190, 166];

export function drawDelay(group, nowMs) {
  const width = Math.max(260, picture.parentElement.clientWidth - 40);
  const time = axis(group, nowMs, width);
  const target = group.view.target_delay_seconds;
  const known = group.delays.filter(([, delay]) => delay !== null).map(([, delay]) => delay);
  const worst = known.length ? Math.max(...known) : null;
  const [most, step] = scale(Math.max(target * 1.2, (worst ?? 0) * 1.1, 0.1));
  const y = (delay) => BOTTOM - (delay / most) * (BOTTOM - TOP);
  const parts = [...grid(time, most, step, y), ...marks(time, group.allRebalances, TOP, BOTTOM), ...times(time, HEIGHT - 6)];
  for (const run of runs(group.delays)) {
    const points = run.map(([at, delay]) => `${time.x(at).toFixed(1)} ${y(delay).toFixed(1)}`);
    const [first, last] = [time.x(run[0][0]), time.x(run.at(-1)[0])];
    if (run.length > 1) parts.push(shape('path', { class: 'area', d: `M${first} ${BOTTOM}L${points.join('L')}L${last} ${BOTTOM}Z` }));
    parts.push(shape('path', { class: 'line', d: `M${points.join('L')}${run.length > 1 ? '' : 'h.1'}` }));
  }
  const lastPoint = group.delays.at(-1);
  if (lastPoint && lastPoint[1] !== null) {
    parts.push(shape('circle', { class: `now ${level(lastPoint[1], target)}`, cx: time.x(lastPoint[0]), cy: y(lastPoint[1]), r: 3.5 }));
  }
  parts.push(shape('line', { class: 'target', x1: time.left, x2: time.right, y1: y(target), y2: y(target) }));
  parts.push(shape('text', { class: 'target-name', x: time.right, y: y(target) - 6, 'text-anchor': 'end' }, `target ${seconds(target)}`));
  set(picture, { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT });
  picture.replaceChildren(...parts);
  const now = lastPoint ? seconds(lastPoint[1]) : seconds(null);
  say(byId('delay-note'), `now ${now}, at worst ${seconds(worst)}, target ${seconds(target)}`);
}

/** A round end of the scale, and the step between its lines. */
function scale(value) {
  const magnitude = 10 ** Math.floor(Math.log10(value / 4));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((size) => value / size <= 4.5);
  return [Math.max(value, step), step];
}

function* grid({ left, right }, most, step, y) {
  for (let delay = 0; delay <= most; delay += step) {
    yield shape('line', { class: 'grid', x1: left, x2: right, y1: y(delay), y2: y(delay) });
    yield shape('text', { class: 'tick', x: left - 8, y: y(delay) + 4, 'text-anchor': 'end' }, delay ? seconds(delay) : '0 s');
  }
}

/** Unbroken stretches: readings that are known, none of which is missing between. */
function runs(delays) {
  const all = [];
  let [run, usualMs] = [[], 5000];
  delays.forEach(([at, delay], index) => {
    const gapMs = index ? at - delays[index - 1][0] : 0;
    if (run.length && (delay === null || gapMs > 2.5 * usualMs + 3000)) {
      all.push(run);
      run = [];
    } else if (gapMs) {
      usualMs = gapMs;
    }
    if (delay !== null) run.push([at, delay]);
  });
  return run.length ? [...all, run] : all;
}
