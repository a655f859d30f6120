// Time from left to right, the same in every chart.

import { WINDOW_MS } from './world.js';
import { clock } from './wording.js';
import { shape } from './dom.js';

const LEAST_MS = 60_000;
const LEFT = 46;
const RIGHT = 8;

/** From what is known so far, at least a minute and at most the window, to now. */
export function axis(group, nowMs, width) {
  const first = Math.min(group.delays[0]?.[0] ?? nowMs, group.sinceMs ?? nowMs);
  const span = Math.min(WINDOW_MS, Math.max(LEAST_MS, nowMs - first));
  const [from, right] = [nowMs - span, width - RIGHT];
  const x = (atMs) => LEFT + Math.max(0, Math.min(1, (atMs - from) / span)) * (right - LEFT);
  return { from, to: nowMs, left: LEFT, right, x };
}

/** Round times with room between. */
export function times({ from, to, x, left, right }, y) {
  const most = Math.max(2, Math.floor((right - left) / 90));
  const step = [10, 15, 30, 60, 120].map((s) => s * 1000).find((ms) => (to - from) / ms <= most) ?? 300_000;
  const labels = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    if (x(at) < left + 20 || x(at) > right - 24) continue;
    labels.push(shape('text', { x: x(at), y, 'text-anchor': 'middle', class: 'tick' }, clock(at)));
  }
  return labels;
}

/** A line at each rebalance. */
export function marks({ from, x }, rebalances, top, bottom) {
  return rebalances.filter(({ at_ms }) => at_ms >= from)
    .map(({ at_ms }) => shape('line', { x1: x(at_ms), x2: x(at_ms), y1: top, y2: bottom, class: 'mark' }));
}
