// What is known of the groups: what the stream brings, and what is asked for when that changes.

import { Hues } from './hues.js';

/** So far back is kept and drawn. */
export const WINDOW_MS = 5 * 60_000;
const SYMBOLS_EVERY_MS = 2_000;
/** Members tell what a rebalance cost some rounds later. */
const ASK_AGAIN_MS = 5_000;

class Group {
  view = null;
  /** [when, seconds or null for unknown], the latest last. */
  delays = [];
  /** A full bar: so much arrives within the target delay where the most does, or else the largest lag. */
  fullLag = 0;
  /** By their time: a monitor that was started anew does not know the earlier ones. */
  plans = new Map();
  rebalances = new Map();
  sinceMs = null;
  hues = new Hues();
  #signature = '';
  #timers = [];

  constructor(name, changed) {
    this.path = `api/v1/groups/${encodeURIComponent(name)}`;
    this.changed = changed;
  }

  take(view) {
    this.view = view;
    this.delays.push([view.at_ms, view.delay_seconds]);
    this.delays = this.delays.filter(([at]) => at > view.at_ms - WINDOW_MS);
    this.partitions = view.topics.flatMap((topic) =>
      topic.partitions.map((partition) => ({ ...partition, topic: topic.topic, key: `${topic.topic}/${partition.partition}` })));
    const most = (figure) => this.partitions.reduce((a, partition) => Math.max(a, figure(partition) ?? 0), 0);
    const inTime = most(({ in_rate }) => in_rate) * view.target_delay_seconds;
    // It shrinks slowly back when the worst is over.
    this.fullLag = Math.max(100, this.fullLag * 0.98, inTime, most(({ lag }) => lag));
    this.hues.meet(view.members.map((member) => member.name));
    const owners = this.partitions.map((partition) => partition.owner);
    const signature = JSON.stringify([owners, view.plan.replicas, view.plan.reason, view.members.length]);
    if (signature !== this.#signature) {
      this.#signature = signature;
      this.#timers.forEach(clearTimeout);
      this.#timers = [0, 1000, ASK_AGAIN_MS].map((after) => setTimeout(() => this.#ask(), after));
    }
  }

  async #ask() {
    const [plans, rebalances] = await Promise.all([ask(`${this.path}/plans`), ask(`${this.path}/rebalances`)]);
    plans?.plans.forEach((plan) => this.plans.set(plan.at_ms, plan));
    rebalances?.rebalances.forEach((rebalance) => this.rebalances.set(rebalance.at_ms, rebalance));
    if (rebalances?.since_ms) this.sinceMs = Math.min(this.sinceMs ?? Infinity, rebalances.since_ms);
    this.hues.meet([...this.rebalances.values()].flatMap(({ moves }) => moves.map((move) => move.to)));
    this.changed();
  }

  /** The newest first. */
  get allRebalances() {
    return [...this.rebalances.values()].sort((a, b) => b.at_ms - a.at_ms);
  }

  get allPlans() {
    return [...this.plans.values()].sort((a, b) => b.at_ms - a.at_ms);
  }
}

export class World {
  groups = new Map();
  /** Symbols with partition and rate (null until two answers have come), or null with the reason. */
  symbols = null;
  symbolsTopic = null;
  noSymbols = '';
  #before = null;

  constructor(changed) {
    this.changed = changed;
    this.#askSymbols();
  }

  take(view) {
    if (!this.groups.has(view.group)) this.groups.set(view.group, new Group(view.group, this.changed));
    this.groups.get(view.group).take(view);
    this.changed();
  }

  /** Symbols of a partition, the busiest first; null if they are not known. */
  symbolsOf(topic, partition) {
    if (!this.symbols || topic !== this.symbolsTopic) return null;
    return this.symbols.get(partition) ?? [];
  }

  async #askSymbols() {
    const answer = document.hidden ? null : await ask('api/v1/symbols');
    if (answer) this.#takeSymbols(answer);
    // Nobody is asked for what will never be there.
    const pause = answer && !answer.routes ? 5 * SYMBOLS_EVERY_MS : SYMBOLS_EVERY_MS;
    setTimeout(() => this.#askSymbols(), pause);
  }

  #takeSymbols({ at_ms, topic, routes, reason }) {
    this.noSymbols = reason ?? '';
    this.symbolsTopic = topic;
    const before = this.#before;
    if (!routes || at_ms === before?.at_ms) {
      if (!routes) this.symbols = this.#before = null;
      return;
    }
    const key = (route) => `${route.partition} ${route.symbol}`;
    const now = { at_ms, updates: new Map(routes.map((route) => [key(route), route.updates])), rates: new Map() };
    this.symbols = new Map();
    for (const route of routes) {
      const gone = route.updates - (before?.updates.get(key(route)) ?? (before ? 0 : NaN));
      const fresh = (gone * 1000) / (at_ms - before?.at_ms);
      const smooth = before?.rates.get(key(route));
      const rate = gone >= 0 ? (smooth === undefined ? fresh : 0.5 * smooth + 0.5 * fresh) : null;
      if (rate !== null) now.rates.set(key(route), rate);
      const its = this.symbols.get(route.partition) ?? [];
      its.push({ symbol: route.symbol, rate });
      this.symbols.set(route.partition, its);
    }
    for (const its of this.symbols.values()) its.sort((a, b) => a.symbol.localeCompare(b.symbol));
    this.#before = now;
    this.changed();
  }
}

/** An answer of the API; null where there is none, which the stream shows already. */
async function ask(path) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(4000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
