// Rebalances and decisions, the newest first, each with its cause and its cost.

import { byId, element, keep, say } from './dom.js';
import { clock, count, list, ranges, seconds, several } from './wording.js';

const SHOWN = 60;
let announced = null;

export function drawTimeline(group) {
  const rebalances = group.allRebalances;
  const entries = [
    ...rebalances.map((rebalance) => ({ at: rebalance.at_ms, key: `r${rebalance.at_ms}`, rebalance })),
    ...group.allPlans.map((plan) => ({ at: plan.at_ms, key: `p${plan.at_ms}`, plan })),
  ].sort((a, b) => b.at - a.at);
  keep(byId('timeline'), entries.slice(0, SHOWN), ({ key }) => `${group.path} ${key}`, makeEntry, (node, { rebalance, plan }) => {
    const body = node.lastElementChild;
    // A rebalance that is under way grows, and its pauses are told later.
    const text = JSON.stringify([rebalance?.moves, rebalance?.left, plan?.sentence]);
    if (node.dataset.text === text) return;
    node.dataset.text = text;
    body.replaceChildren(...(rebalance ? rebalanceBody(rebalance, group.hues) : planBody(plan)));
  });
  const since = group.sinceMs ? `seen since ${clock(group.sinceMs)}` : '';
  say(byId('timeline-note'), since);
  announce(group, rebalances[0]);
}

function makeEntry({ at, rebalance }) {
  const time = element('time', { datetime: new Date(at).toISOString() }, clock(at));
  return element('li', { class: rebalance ? 'rebalance' : 'plan' }, time, element('div'));
}

function title({ joined, left, moves }) {
  const parts = [joined.length && `${list(joined)} joined`, left.length && `${list(left)} left`].filter(Boolean);
  if (parts.length) return parts.join(', ');
  return `${several(moves.reduce((sum, move) => sum + move.partitions.length, 0), 'partition')} moved`;
}

function rebalanceBody(rebalance, hues) {
  const who = (name) => element('span', { class: `who ${hues.of(name)}` }, name ?? 'nobody');
  const move = ({ partitions, from, to, pause_seconds: pause }) =>
    element('p', { class: 'move' }, element('b', {}, partitions.length > 12 ? several(partitions.length, 'partition') : ranges(partitions)),
      who(from), element('span', { class: 'arrow' }, '→'), who(to),
      element('span', { class: 'pause' }, pause === null ? '' : `paused ${seconds(pause)}`));
  const moves = rebalance.moves.slice(0, 8).map(move);
  const more = rebalance.moves.length - moves.length;
  const nothing = rebalance.moves.length ? [] : [element('p', { class: 'move' }, 'nothing moved')];
  const rest = more > 0 ? [element('p', { class: 'move' }, `and ${several(more, 'more way')}`)] : [];
  return [element('strong', {}, title(rebalance)), ...moves, ...nothing, ...rest];
}

function planBody({ replicas, reason, sentence }) {
  const wanted = replicas === null ? 'No answer' : `${count(replicas)} wanted`;
  return [element('strong', {}, wanted), element('span', { class: 'reason' }, reason.replace('_', ' ')), element('p', {}, sentence.replace(/^(\d+|no answer): /, ''))];
}

/** For who listens: the last rebalance, once. */
function announce(group, last) {
  const key = last ? `${group.path} ${last.at_ms}` : group.path;
  if (announced !== null && announced !== key && last) say(byId('announcement'), `Rebalance: ${title(last)}`);
  announced = key;
}
