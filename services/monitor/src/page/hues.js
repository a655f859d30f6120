// A colour for each member, which it keeps.

const COLOURS = 8;

export class Hues {
  #names = new Map();

  /** Gives each that is new the colour that the fewest of the last ones have. */
  meet(names) {
    for (const name of names) {
      if (this.#names.has(name)) continue;
      const uses = Array.from({ length: COLOURS }, () => 0);
      [...this.#names.values()].slice(-2 * COLOURS).forEach((hue, age) => (uses[hue] += 1 + age / 100));
      this.#names.set(name, uses.indexOf(Math.min(...uses)));
    }
  }

  /** The class of a member's colour; that of nobody where there is none. */
  of(name) {
    return this.#names.has(name) ? `hue-${this.#names.get(name)}` : 'hue-none';
  }
}
