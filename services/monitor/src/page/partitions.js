// The table: everything the picture shows, in figures.

import { byId, element, keep, say, set, shape } from './dom.js';
import { level } from './flow.js';
import { count, rate, seconds, several, UNKNOWN } from './wording.js';

/** At first only so many, those that are behind the most. */
const FEW = 24;
const BAR = 100;
const CONDITIONS = {
  never_committed: 'never committed',
  below_start: 'records expired undone',
  above_end: 'committed beyond the end',
  unread: 'not read',
};

let showsAll = false;

export function listenToPartitions(changed) {
  byId('more').addEventListener('click', () => {
    showsAll = !showsAll;
    changed();
  });
}

export function drawPartitions(group, world) {
  const all = group.partitions;
  const isCut = all.length > FEW && !showsAll;
  const shown = isCut ? worst(all) : all;
  const severalTopics = group.view.topics.length > 1;
  keep(byId('rows'), shown, ({ key }) => `${group.path} ${key}`, makeRow, (row, partition) => {
    const [name, owner, lag, delay, arrives, done, symbols] = row.children;
    say(name.firstChild, severalTopics ? partition.key : String(partition.partition));
    say(name.lastChild, CONDITIONS[partition.condition] ?? '');
    set(name, { title: partition.reason });
    set(owner.firstChild, { class: `who ${group.hues.of(partition.owner)}` });
    say(owner.firstChild, partition.owner ?? 'no owner');
    drawBar(lag, partition, group);
    figure(delay, seconds(partition.delay_seconds));
    figure(arrives, rate(partition.in_rate));
    figure(done, rate(partition.out_rate));
    const names = world.symbolsOf(partition.topic, partition.partition)?.map(({ symbol }) => symbol);
    figure(symbols, names ? names.slice(0, 12).join(' ') + (names.length > 12 ? ` and ${names.length - 12} more` : '') : UNKNOWN);
  });
  say(byId('partitions-note'), isCut ? `the ${FEW} furthest behind of ${count(all.length)}` : several(all.length, 'partition'));
  const more = byId('more');
  more.hidden = all.length <= FEW;
  say(more, showsAll ? `Show the ${FEW} furthest behind` : `Show all ${count(all.length)}`);
}

/** Those of which it is not known how far behind they are come first. */
function worst(all) {
  const behind = ({ owner, lag }) => (owner === null || lag === null ? Infinity : lag);
  const order = (a, b) => (behind(a) === behind(b) ? a.partition - b.partition : behind(b) - behind(a));
  return [...all].sort(order).slice(0, FEW);
}

function makeRow() {
  const cell = (name, ...children) => element('td', { class: name }, ...children);
  const bar = shape('svg', { viewBox: `0 0 ${BAR} 6`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    shape('rect', { class: 'groove', width: BAR, height: 6 }), shape('rect', { class: 'bar', height: 6 }));
  return element('tr', {},
    element('th', { scope: 'row' }, element('span'), element('small')),
    cell('', element('span')), cell('bar-column', element('b'), bar),
    cell('number'), cell('number wide'), cell('number wide'), cell('wide symbols'));
}

function drawBar(cell, { lag, delay_seconds: delay }, group) {
  const [number, picture] = cell.children;
  figure(number, count(lag));
  const width = lag === null ? 0 : Math.max(lag ? 1 : 0, Math.min(1, lag / group.fullLag) * BAR);
  set(picture.lastChild, { width, class: `bar ${level(delay, group.view.target_delay_seconds)}` });
}

function figure(node, text) {
  say(node, text);
  node.classList.toggle('untold', text === UNKNOWN);
}
