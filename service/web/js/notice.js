/** Tells how the service is: a sentence where something is wrong, and a word with the model's name in the head. */

import { tellFailure } from "./service.js";

export class Notice {
  #model = "";

  /**
   * @param {HTMLElement} banner
   * @param {HTMLElement} state
   */
  constructor(banner, state) {
    this.banner = banner;
    this.state = state;
  }

  /** @param {Error} error */
  tell(error) {
    const sentence = tellFailure(error);
    if (this.banner.textContent !== sentence) {
      this.banner.textContent = sentence;
    }
    this.banner.hidden = false;
    this.#show(error.isPassing ? "away" : "ready");
  }

  /** All is well again. */
  clear() {
    this.banner.hidden = true;
    this.banner.textContent = "";
    this.#show("ready");
  }

  /**
   * @param {string} name
   * @param {?number} codeDim
   */
  setModel(name, codeDim) {
    this.#model = `model ${name}` + (codeDim ? `, ${codeDim} numbers a digit` : "");
    this.#show("ready");
  }

  /** @param {"ready"|"away"} word */
  #show(word) {
    this.state.dataset.state = word;
    this.state.textContent = word === "ready" && this.#model ? this.#model : word;
  }
}
