// The page: takes what the stream brings and draws it, once a frame at most and once a second at least.

import { byId, element, keep, say, set } from './dom.js';
import { drawDelay } from './delay.js';
import { drawFigures } from './figures.js';
import { drawFlow } from './flow.js';
import { drawOwners } from './owners.js';
import { drawPartitions, listenToPartitions } from './partitions.js';
import { Stream } from './stream.js';
import { drawTimeline } from './timeline.js';
import { World } from './world.js';
import { seconds } from './wording.js';

let isDue = false;
const world = new World(draw);
const stream = new Stream('api/v1/events', (group) => world.take(group));

/** The group named in the address, or the first. */
function chosen() {
  const name = decodeURIComponent(location.hash.slice(1));
  return world.groups.get(name) ?? world.groups.values().next().value;
}

function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    drawNow();
  });
}

function drawNow() {
  drawConnection();
  const group = chosen();
  if (!group) return;
  drawGroups(group);
  // The monitor's clock, which need not be the browser's.
  const nowMs = group.view.at_ms + (stream.isStale ? 0 : Math.min(stream.silenceMs, 60_000));
  drawFigures(group, stream, nowMs);
  drawFlow(group, world);
  drawDelay(group, nowMs);
  drawOwners(group, nowMs);
  drawTimeline(group);
  drawPartitions(group, world);
  say(document.querySelector('title'), `${group.view.group} · Lagless`);
}

function drawConnection() {
  const state = !world.groups.size && !stream.isStale ? 'waiting' : stream.isStale ? 'stale' : 'live';
  const silence = seconds(Math.round(stream.silenceMs / 1000));
  // While it is stale the text stays: who listens shall not hear every second.
  const text = { waiting: 'connecting', live: 'live', stale: stream.isOpen ? 'stale: nothing new comes' : 'stale: reconnecting' }[state];
  say(byId('connection'), text);
  set(byId('connection'), { class: `pill ${state}`, title: state === 'stale' ? `nothing heard for ${silence}` : null });
  set(byId('main'), { 'data-state': state });
}

function drawGroups(group) {
  const make = ({ view }) => element('a', { href: `#${encodeURIComponent(view.group)}` }, view.group);
  keep(byId('groups'), world.groups.values(), ({ view }) => view.group, make, (link, other) => {
    set(link, { 'aria-current': other === group ? 'true' : null, class: other.view.up ? '' : 'untold' });
  });
}

listenToPartitions(draw);
addEventListener('hashchange', draw);
addEventListener('resize', draw);
setInterval(draw, 1000);
