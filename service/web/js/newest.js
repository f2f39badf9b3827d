/** Keeps one task in flight; of those asked for meanwhile only the newest runs, the others are never begun. */

// Moves of a pointer come closer together than this; a task for each would be late at once.
const GATHER_MS = 15;

/** @template T */
export class Newest {
  /** @type {?{value: T}} */
  #waiting = null;
  #isBusy = false;

  /**
   * @param {(value: T) => Promise<void>} run never rejects
   * @param {(isBusy: boolean) => void} [onBusy] hears when the first task of a row is asked for, and when the last is done
   */
  constructor(run, onBusy = () => {}) {
    this.run = run;
    this.onBusy = onBusy;
  }

  /** @param {T} value */
  ask(value) {
    this.#waiting = { value };
    if (!this.#isBusy) {
      this.#isBusy = true;
      this.onBusy(true);
      setTimeout(() => this.#work(), GATHER_MS);
    }
  }

  async #work() {
    while (this.#waiting) {
      const { value } = this.#waiting;
      this.#waiting = null;
      await this.run(value);
    }
    this.#isBusy = false;
    this.onBusy(false);
  }
}
