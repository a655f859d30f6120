// Whether the group keeps up, in a few words and figures.

import { byId, element, keep, say, set } from './dom.js';
import { level } from './flow.js';
import { sum } from './layout.js';
import { clock, count, rate, seconds, several, UNKNOWN } from './wording.js';

const VERDICTS = {
  'level-good': 'Keeps up',
  'level-near': 'Keeps up, nearing its target',
  'level-bad': 'Behind its target',
  'level-unknown': 'How far behind it is, is not known',
};

export function drawFigures(group, stream, nowMs) {
  const { view, partitions } = group;
  const grade = stream.isStale ? 'level-unknown' : level(view.delay_seconds, view.target_delay_seconds);
  const verdict = byId('verdict');
  say(verdict, stream.isStale ? `Stale: as it was at ${clock(view.at_ms)}` : VERDICTS[grade]);
  set(verdict, { class: grade });
  // The figure in front of the sentence stands beside it.
  say(byId('sentence'), view.plan.sentence.replace(/^\d+: /, ''));
  keep(byId('figures'), figures(group, view, partitions, nowMs), ({ name }) => name, makeFigure, (node, { value, more, grade: its }) => {
    const [, data] = node.children;
    say(data.firstChild, value);
    say(data.lastChild, more ?? '');
    set(node, { class: `figure ${value === UNKNOWN ? 'untold' : (its ?? '')}` });
  });
  drawNotices(view, partitions);
}

function figures({ allRebalances: [last] }, view, partitions, nowMs) {
  // The embedded Kafka describes no members; they are then those who committed.
  const have = view.members_described || view.members.length ? view.members.length : null;
  const wanted = view.plan.replicas;
  const pauses = last?.moves.map((move) => move.pause_seconds).filter((pause) => pause !== null) ?? [];
  const busiest = view.capacity === null ? 'capacity unknown' : `one can do ${rate(view.capacity)}`;
  return [
    { name: 'Lag', value: count(view.lag), more: 'updates to do' },
    { name: 'Delay', value: seconds(view.delay_seconds), more: `target ${seconds(view.target_delay_seconds)}`, grade: level(view.delay_seconds, view.target_delay_seconds) },
    { name: 'Consumers', value: count(have), more: wanted === null ? 'wanted: unknown' : `${count(wanted)} wanted` },
    { name: 'Arrives', value: rate(sum(partitions.map((partition) => partition.in_rate))), more: several(partitions.length, 'partition') },
    { name: 'Done', value: rate(sum(partitions.map((partition) => partition.out_rate))), more: busiest },
    { name: 'Last rebalance', value: last ? ago(nowMs - last.at_ms) : 'none', more: pauses.length ? `paused ${seconds(Math.max(...pauses))}` : last ? 'pause unknown' : 'seen yet' },
  ];
}

function makeFigure({ name }) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, element('b', {}, ''), element('small', {}, '')));
}

const ago = (ms) => (ms < 1000 ? 'now' : ms < 100_000 ? `${Math.round(ms / 1000)} s ago` : `${Math.round(ms / 60_000)} min ago`);

function drawNotices(view, partitions) {
  const notices = view.errors.map(({ of, reason }) => ({ key: `${of} ${reason}`, text: `${of} cannot be read: ${reason}` }));
  const orphans = partitions.filter(({ owner }) => owner === null);
  if (orphans.length && orphans.length < partitions.length) {
    const names = orphans.slice(0, 6).map(({ partition }) => partition).join(', ');
    notices.push({ key: 'orphans', text: `${several(orphans.length, 'partition')} without an owner: ${names}${orphans.length > 6 ? ' …' : ''}` });
  }
  keep(byId('notices'), notices, ({ key }) => key, () => element('p', { class: 'notice' }), (node, { text }) => say(node, text));
}
