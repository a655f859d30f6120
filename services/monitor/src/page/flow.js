// The flowing picture.

import { byId, keep, say, set, shape } from './dom.js';
import { arrange, describe, memberText, sum } from './layout.js';
import { count, cut, rate } from './wording.js';

const picture = byId('flow');
const layers = ['ribbons', 'drops', 'sources', 'rows', 'members'].map((name) => shape('g', { class: name }));
picture.append(...layers);
const [ribbonLayer, dropLayer, sourceLayer, rowLayer, memberLayer] = layers;
const pen = document.createElement('canvas').getContext('2d');

export function drawFlow(group, world) {
  const width = Math.max(280, picture.parentElement.clientWidth - 40);
  const plan = arrange(group, world, width);
  set(picture, { viewBox: `0 0 ${width} ${plan.height}`, width, height: plan.height });
  const hue = (owner) => group.hues.of(owner);
  drawRibbons(plan, hue);
  drawSources(plan, group);
  drawRows(plan, group, hue);
  drawMembers(plan, hue);
  say(byId('flow-text'), describe(plan));
  const topics = group.view.topics.map(({ topic }) => topic).join(', ');
  const arrives = rate(sum(group.partitions.map((partition) => partition.in_rate)));
  const note = world.symbols ? `symbols → partitions of ${topics} → members` : `${topics} → partitions → members. Symbols: ${world.noSymbols || 'unknown'}`;
  say(byId('flow-note'), note);
  set(picture, { 'data-arrives': arrives });
}

function drawRibbons({ ribbons, sizes, height }, hue) {
  const path = ({ x1, y1, x2, y2 }) => {
    const from = x1 ?? (x1 === null ? 6 : sizes.symbol);
    const [startY, bend] = [x1 === null ? height / 2 : y1, (x2 - from) / 2];
    return `M${from} ${startY}C${from + bend} ${startY} ${x2 - bend} ${y2} ${x2} ${y2}`;
  };
  const make = () => shape('path');
  keep(ribbonLayer, ribbons, (ribbon) => ribbon.key, make, (node, ribbon) => {
    const state = ribbon.share === null ? ' untold' : '';
    set(node, { d: path(ribbon), class: `ribbon ${hue(ribbon.row.owner)}${state}`, 'stroke-width': ribbon.width.toFixed(2) });
  });
  const moving = ribbons.filter((ribbon) => ribbon.share > 0);
  keep(dropLayer, moving, (ribbon) => ribbon.key, make, (node, ribbon) => {
    // In steps: a flow that changes its speed all the time would stutter.
    const speed = Math.max(1, Math.ceil(Math.min(1, ribbon.share) * 4));
    set(node, { d: path(ribbon), class: `drop speed-${speed} ${hue(ribbon.row.owner)}` });
  });
}

function drawSources({ rows, sizes, height }, group) {
  const known = rows.flatMap((row) => (row.sources ?? []).map((source) => ({ ...source, topic: row.partitions[0]?.topic })));
  const topics = rows.some((row) => !row.sources) ? [{ key: 'topic', title: group.view.topics.map(({ topic }) => topic).join(', '), y: height / 2, isTopic: true }] : [];
  const make = () => shape('g', { class: 'source' }, shape('text', { class: 'name' }), shape('text', { class: 'figure' }));
  keep(sourceLayer, [...known, ...topics], (source) => source.key, make, (node, source) => {
    const [name, figure] = node.children;
    const place = source.isTopic ? { x: 0, y: source.y - 26 } : { x: 0, y: source.y + 4 };
    set(name, place);
    say(name, fit(source.title, sizes.isNarrow ? sizes.symbol : sizes.symbol - 44));
    set(figure, { x: sizes.symbol - 10, y: source.y + 4, 'text-anchor': 'end' });
    say(figure, sizes.isNarrow || source.isTopic ? '' : rate(source.speed));
  });
}

function drawRows({ rows, sizes }, group, hue) {
  const make = () => shape('g', { class: 'row' },
    shape('rect', { class: 'box', rx: 9 }), shape('text', { class: 'name' }), shape('text', { class: 'figure' }),
    shape('text', { class: 'detail' }), shape('rect', { class: 'groove', rx: 2, height: 4 }), shape('rect', { class: 'bar', rx: 2, height: 4 }));
  const target = group.view.target_delay_seconds;
  keep(rowLayer, rows, (row) => row.key, make, (node, row) => {
    const isOrphan = row.owner === null;
    set(node, { class: `row ${hue(row.owner)}${isOrphan ? ' orphan' : ''}`, transform: `translate(${row.x} ${row.y})` });
    set(node, { 'data-partition': row.key, 'data-owner': row.owner ?? '' });
    const [box, name, figure, detail, groove, bar] = node.children;
    const isLow = row.height < 56;
    const room = row.width - 24;
    set(box, { width: row.width, height: row.height });
    set(name, { x: 12, y: isLow ? 19 : 22 });
    set(figure, { x: row.width - 12, y: isLow ? 19 : 22, 'text-anchor': 'end' });
    set(detail, { x: 12, y: 39 });
    say(name, sizes.isNarrow ? row.title.replace(/^partition /, '').replace(/ partitions$/, ' p.') : row.title);
    say(figure, sizes.isNarrow ? count(row.lag) : `lag ${count(row.lag)}`);
    const flows = isOrphan ? 'no owner' : sizes.isNarrow ? rate(row.inRate) : `${rate(row.inRate)} in  ·  ${rate(row.outRate)} out`;
    say(detail, isLow ? '' : flows);
    const y = row.height - 13;
    const full = group.fullLag * row.partitions.length;
    set(groove, { x: 12, y, width: room });
    set(bar, { x: 12, y, width: row.lag === null ? 0 : Math.max(row.lag ? 3 : 0, Math.min(1, row.lag / full) * room) });
    set(bar, { class: `bar ${level(row.delay, target)}` });
  });
}

function drawMembers({ members, sizes }, hue) {
  const make = () => shape('g', { class: 'member' },
    shape('rect', { class: 'box', rx: 9 }), shape('circle', { class: 'dot', r: 4.5 }), shape('text', { class: 'name' }), shape('text', { class: 'detail' }), shape('title'));
  keep(memberLayer, members, (member) => member.key, make, (node, member) => {
    set(node, { class: `member ${hue(member.name)}`, transform: `translate(${member.x} ${member.y})`, 'data-member': member.name });
    const [box, dot, name, detail, title] = node.children;
    const isLow = member.height < 48;
    set(box, { width: member.width, height: member.height });
    const left = sizes.isNarrow ? 22 : 28;
    set(dot, { cx: left - 12, cy: isLow ? 14 : 19 });
    set(name, { x: left, y: isLow ? 18 : 23 });
    set(detail, { x: left, y: isLow ? 33 : 41 });
    say(name, fit(member.title, member.width - left - 6));
    say(detail, memberText(member, sizes.isNarrow));
    say(title, member.title);
  });
}

/** As much of a name as there is room for: that depends on the typeface which the browser has. */
function fit(text, width) {
  pen.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
  let length = text.length;
  while (length > 4 && pen.measureText(cut(text, length)).width > width) length--;
  return cut(text, length);
}

/** How bad a delay is. */
export function level(delay, target) {
  if (delay === null) return 'level-unknown';
  if (delay > target) return 'level-bad';
  return delay > target / 2 ? 'level-near' : 'level-good';
}
