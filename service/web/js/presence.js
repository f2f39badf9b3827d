/** Whether the service is there: looks now and then, and quickly while it is away. */

const LOOK_MS = 5000;
const LOOK_AGAIN_MS = 1000;

export class Presence {
  #isThere = true;
  #timer = 0;

  /**
   * @param {import("./service.js").Service} service
   * @param {{onAway: (error: Error) => void, onBack: () => void}} tell
   */
  constructor(service, tell) {
    this.service = service;
    this.tell = tell;
    this.#plan();
  }

  /**
   * Somebody met a failure that passes.
   * @param {Error} error
   */
  report(error) {
    this.tell.onAway(error);
    if (this.#isThere) {
      this.#isThere = false;
      this.#plan(); // later ones must not put the look off again and again
    }
  }

  #plan() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), this.#isThere ? LOOK_MS : LOOK_AGAIN_MS);
  }

  async #look() {
    try {
      await this.service.ask("readyz");
      if (!this.#isThere) {
        this.#isThere = true;
        this.tell.onBack();
      }
    } catch (error) {
      this.#isThere = false;
      this.tell.onAway(error);
    }
    this.#plan();
  }
}
