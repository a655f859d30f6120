// The stream of events: opened again by itself, with backoff, when it breaks or falls silent.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Until two rounds have come, it is not known how often they do. */
const USUAL_INTERVAL_MS = 5_000;

export class Stream {
  #url;
  #onGroup;
  #source = null;
  #failures = 0;
  #timer = 0;
  #lastRound = 0;
  #heardAt = performance.now();
  #intervalMs = USUAL_INTERVAL_MS;
  isOpen = false;

  constructor(url, onGroup) {
    this.#url = url;
    this.#onGroup = onGroup;
    this.#open();
    setInterval(() => this.#watch(), 1000);
    addEventListener('online', () => this.#source || this.#open());
  }

  /** How long nothing was heard. */
  get silenceMs() {
    return performance.now() - this.#heardAt;
  }

  /** Whether what is shown is older than it should be. */
  get isStale() {
    return this.silenceMs > this.#patienceMs || (!this.isOpen && this.silenceMs > 1000);
  }

  get #patienceMs() {
    return 2.5 * this.#intervalMs + 2000;
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source = new EventSource(this.#url);
    this.#source.addEventListener('open', () => (this.isOpen = true));
    this.#source.addEventListener('error', () => this.#lost());
    this.#source.addEventListener('group', (event) => this.#heard(JSON.parse(event.data)));
  }

  #heard(group) {
    this.#failures = 0;
    this.#heardAt = performance.now();
    if (group.at_ms > this.#lastRound) {
      if (this.#lastRound) this.#intervalMs = Math.min(60_000, group.at_ms - this.#lastRound);
      this.#lastRound = group.at_ms;
    }
    this.#onGroup(group);
  }

  #lost() {
    this.#source?.close();
    this.#source = null;
    this.isOpen = false;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    // Not every page at the same moment, when a monitor comes back.
    this.#timer = setTimeout(() => this.#open(), pause * (0.5 + Math.random() / 2));
  }

  /** A connection can be dead without an error: then nothing comes any more. */
  #watch() {
    if (this.isOpen && this.silenceMs > 2 * this.#patienceMs) {
      this.#heardAt = Math.max(this.#heardAt, performance.now() - this.#patienceMs - 1);
      this.#lost();
    }
  }
}
