// Where everything stands in the picture: symbols on the left, partitions in the middle, members on the right.

import { count, ranges, rate, several } from './wording.js';

/** More rows than this nobody takes in at a glance: partitions are then drawn by owner, members as the busiest. */
const MOST_ROWS = 16;
const MOST_SYMBOLS = 21;
const NARROW = { symbol: 52, partition: 84, member: 118, thickest: 14, isNarrow: true };
const MIDDLE = { symbol: 104, partition: 176, member: 172, thickest: 22 };
const WIDE = { symbol: 128, partition: 216, member: 216, thickest: 26 };
const THINNEST = 1.5;
const SYMBOL_HEIGHT = 22;

/** The sum of what is known of all; unknown if it is of any. */
export const sum = (values) => values.reduce((a, b) => (a === null || b === null ? null : a + b), 0);
const largest = (values) => values.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0);
const total = (list, field) => sum(list.map((item) => item[field]));

/** Nodes and ribbons with their places, in a picture so wide. */
export function arrange(group, world, width) {
  const sizes = width < 560 ? NARROW : width < 880 ? MIDDLE : WIDE;
  const rows = partitionRows(group);
  const members = memberRows(group, rows);
  const most = Math.max(1, Math.floor(MOST_SYMBOLS / rows.length));
  for (const row of rows) row.sources = sources(row, world, most);
  const height = place(rows, members, width, sizes);
  const fastest = Math.max(1e-9, ...rows.map((row) => Math.max(row.inRate ?? 0, row.outRate ?? 0)));
  const thickness = (speed) => (speed === null ? THINNEST : Math.max(THINNEST, (speed / fastest) * sizes.thickest));
  return { rows, members, height, sizes, ribbons: ribbons(rows, members, thickness, fastest) };
}

function partitionRows(group) {
  const severalTopics = group.view.topics.length > 1;
  const row = (key, title, owner, partitions) => ({
    key, title, owner, partitions,
    lag: total(partitions, 'lag'),
    delay: largest(partitions.map((partition) => partition.delay_seconds)),
    inRate: total(partitions, 'in_rate'),
    outRate: total(partitions, 'out_rate'),
  });
  if (group.partitions.length <= MOST_ROWS) {
    return group.partitions.map((partition) =>
      row(partition.key, severalTopics ? partition.key : `partition ${partition.partition}`, partition.owner, [partition]));
  }
  const byOwner = Map.groupBy(group.partitions, (partition) => partition.owner);
  const all = [...byOwner].map(([owner, its]) => row(`of ${owner ?? ''}`, several(its.length, 'partition'), owner, its));
  all.sort((a, b) => b.partitions.length - a.partitions.length || String(a.owner).localeCompare(String(b.owner), 'en', { numeric: true }));
  if (all.length <= MOST_ROWS) return all;
  // Who is behind is shown, and the others as one.
  const behind = new Set([...all].sort((a, b) => (b.lag ?? Infinity) - (a.lag ?? Infinity)).slice(0, MOST_ROWS - 1));
  const rest = all.filter((one) => !behind.has(one)).flatMap((one) => one.partitions);
  return [...all.filter((one) => behind.has(one)), row('of others', several(rest.length, 'partition'), '', rest)];
}

function memberRows(group, rows) {
  const owned = new Map();
  rows.forEach((row, at) => row.owner !== null && owned.set(row.owner, [...(owned.get(row.owner) ?? []), at]));
  const node = (name, title, its) => ({
    key: `member ${name}`, name, title,
    partitions: its.flatMap((at) => rows[at].partitions),
    outRate: sum(its.map((at) => rows[at].outRate)),
    // Beside what it has.
    middle: its.length ? its.reduce((a, b) => a + b, 0) / its.length : Infinity,
  });
  const names = group.view.members.map((member) => member.name);
  const known = [...new Set([...names, ...owned.keys()])].filter((name) => name !== '' && (owned.has(name) || !owned.has('')));
  const shown = known.slice(0, 2 * MOST_ROWS).map((name) => node(name, name, owned.get(name) ?? []));
  if (owned.has('')) {
    const others = Math.max(0, names.length - shown.length);
    shown.push(node('', `${count(others)} others`, owned.get('')));
  }
  return shown.sort((a, b) => a.middle - b.middle || a.name.localeCompare(b.name));
}

/** What flows into a row: its symbols, or its topic where they are not known. */
function sources(row, world, most) {
  const known = row.partitions.map(({ topic, partition }) => world.symbolsOf(topic, partition));
  if (known.some((symbols) => symbols === null)) return null;
  const symbols = known.flat();
  const node = ({ symbol, rate: speed }) => ({ key: `${row.key} ${symbol}`, title: symbol, speed });
  if (symbols.length <= most) return symbols.map(node);
  const busiest = [...symbols].sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0));
  const rest = busiest.splice(most - 1);
  const title = most === 1 ? several(rest.length, 'symbol') : `${count(rest.length)} more`;
  const others = { key: `${row.key} and more`, title, speed: total(rest, 'rate') };
  return [...busiest.sort((a, b) => a.symbol.localeCompare(b.symbol)).map(node), others];
}

function place(rows, members, width, sizes) {
  const [rowHeight, gap] = rows.length > 8 ? [46, 8] : [62, 16];
  let y = 2;
  for (const row of rows) {
    const needed = Math.max(rowHeight, (row.sources?.length ?? 0) * SYMBOL_HEIGHT);
    Object.assign(row, { x: 0, y: y + (needed - rowHeight) / 2, width: sizes.partition, height: rowHeight });
    row.sources?.forEach((source, at) => {
      source.x = 0;
      source.y = y + (needed - row.sources.length * SYMBOL_HEIGHT) / 2 + (at + 0.5) * SYMBOL_HEIGHT;
    });
    y += needed + gap;
  }
  const [memberHeight, memberGap] = members.length > 8 ? [40, 6] : [54, 12];
  const height = Math.max(y - gap + 2, members.length * (memberHeight + memberGap) - memberGap + 4);
  const lower = (height - (y - gap + 2)) / 2;
  for (const row of rows) {
    row.x = sizes.symbol + (width - sizes.symbol - sizes.partition - sizes.member) / 2;
    row.y += lower;
    for (const source of row.sources ?? []) source.y += lower;
  }
  spread(rows, members, width - sizes.member - 1, height, memberHeight, memberGap);
  for (const member of members) member.width = sizes.member;
  return height;
}

/** Each member at the height of its partitions, as far as the others leave room. */
function spread(rows, members, x, height, memberHeight, gap) {
  let lowest = 2;
  members.forEach((member, at) => {
    const its = rows.filter((row) => row.owner === member.name);
    const middle = its.length ? its.reduce((a, row) => a + row.y + row.height / 2, 0) / its.length : height;
    const below = (members.length - at) * (memberHeight + gap) - gap;
    const y = Math.max(lowest, Math.min(middle - memberHeight / 2, height - below - 2));
    Object.assign(member, { x, y, height: memberHeight });
    lowest = y + memberHeight + gap;
  });
}

function ribbons(rows, members, thickness, fastest) {
  const all = [];
  const middle = (node) => node.y + (node.height ?? 0) / 2;
  const share = (speed) => (speed === null ? null : speed / fastest);
  for (const row of rows) {
    if (!row.sources) {
      const width = thickness(row.inRate);
      all.push({ key: `topic ${row.key}`, row, x1: null, y1: 0, x2: row.x, y2: middle(row), width, share: share(row.inRate) });
      continue;
    }
    const widths = row.sources.map((source) => thickness(source.speed));
    let y = middle(row) - widths.reduce((a, b) => a + b, 0) / 2;
    row.sources.forEach((source, at) => {
      const ribbon = { key: source.key, row, source, y1: source.y, x2: row.x, y2: y + widths[at] / 2, width: widths[at] };
      all.push({ ...ribbon, share: share(source.speed) });
      y += widths[at];
    });
  }
  for (const member of members) {
    const its = rows.filter((row) => row.owner === member.name);
    const widths = its.map((row) => thickness(row.outRate));
    let y = middle(member) - widths.reduce((a, b) => a + b, 0) / 2;
    its.forEach((row, at) => {
      const from = { x1: row.x + row.width, y1: middle(row) };
      all.push({ key: `${row.key} > ${member.name}`, row, ...from, x2: member.x, y2: y + widths[at] / 2, width: widths[at], share: share(row.outRate) });
      y += widths[at];
    });
  }
  return all;
}

/** The picture in words. */
export function describe({ rows, members }) {
  const row = ({ title, owner, lag, inRate, outRate }) =>
    `${title}: ${owner === null ? 'no owner' : owner || 'several owners'}, lag ${count(lag)}, arrives ${rate(inRate)}, done ${rate(outRate)}`;
  const idle = members.filter((member) => !member.partitions.length).map((member) => `${member.title} has no partition`);
  return [...rows.map(row), ...idle].join('. ');
}

export const memberText = ({ partitions, outRate }, isNarrow) => {
  if (!partitions.length) return 'no partition';
  const which = partitions.length <= 6 ? ranges(partitions.map(({ partition }) => partition), 3) : several(partitions.length, 'partition');
  return isNarrow ? which : `${which}  ·  ${rate(outRate)}`;
};
