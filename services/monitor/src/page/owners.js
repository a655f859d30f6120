// Who had which partition when: a strip for each, beside the same time as the delay.

import { axis, marks } from './axis.js';
import { byId, say, set, shape } from './dom.js';
import { clock, several } from './wording.js';

const MOST_STRIPS = 12;
const [HEIGHT, GAP] = [12, 5];
const picture = byId('owners');
const layer = shape('g');
picture.append(layer);

export function drawOwners(group, nowMs) {
  const isDrawn = group.partitions.length > 0 && group.partitions.length <= MOST_STRIPS;
  for (const id of ['owners', 'owners-title']) byId(id).toggleAttribute('hidden', !isDrawn);
  const rebalances = group.allRebalances;
  const recent = rebalances.filter(({ at_ms }) => at_ms > nowMs - 5 * 60_000).length;
  say(byId('owners-text'), `${several(recent, 'rebalance')} in the last 5 minutes`);
  if (!isDrawn) return;
  const width = Math.max(260, picture.parentElement.clientWidth - 40);
  const time = axis(group, nowMs, width);
  const all = group.partitions.length * (HEIGHT + GAP);
  const severalTopics = group.view.topics.length > 1;
  const parts = group.partitions.flatMap((partition, at) => {
    const y = at * (HEIGHT + GAP);
    const name = severalTopics ? partition.key.slice(-6) : partition.partition;
    const label = shape('text', { class: 'tick', x: time.left - 8, y: y + 10, 'text-anchor': 'end' }, String(name));
    return [label, ...stints(partition, rebalances, group.sinceMs ?? nowMs, nowMs).map((stint) => strip(stint, time, y, group.hues))];
  });
  set(picture, { viewBox: `0 0 ${width} ${all}`, width, height: all });
  layer.replaceChildren(...parts, ...marks(time, rebalances, 0, all - GAP));
}

function strip({ owner, from, to }, { x }, y, hues) {
  const [left, right] = [x(from), x(to)];
  const box = { class: `strip ${hues.of(owner)}`, x: left, y, width: Math.max(0, right - left - 1), height: HEIGHT, rx: 2.5 };
  const title = shape('title', {}, `${owner ?? 'nobody'}, ${clock(from)} to ${clock(to)}`);
  return shape('rect', box, title);
}

/** Back from now: before each move it had the owner that the move names. */
function stints({ topic, partition, owner }, rebalances, sinceMs, nowMs) {
  const all = [];
  let to = nowMs;
  for (const { at_ms, moves } of rebalances) {
    for (const move of moves.toReversed()) {
      if (move.topic !== topic || !move.partitions.includes(partition)) continue;
      all.push({ owner, from: at_ms, to });
      [owner, to] = [move.from, at_ms];
    }
  }
  return [...all, { owner, from: Math.min(sinceMs, to), to }].filter((stint) => stint.to > stint.from);
}
