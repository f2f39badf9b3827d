/** The code on the screen: an image's, or one made by hand or on the map; the decoder draws whichever it is. */

import { decode } from "./codec.js";
import { Newest } from "./newest.js";

/**
 * @typedef {object} CodeWatcher
 * @property {(code: ArrayLike<number>, isOwn: boolean) => void} onCode hears of every code, and if it is the image's
 * @property {(pixels: Uint8Array, ms: number) => void} onDrawn hears what the decoder draws of one made by hand
 * @property {(error: Error) => void} onFailure
 * @property {(isBusy: boolean) => void} onBusy
 */

export class CodeDesk {
  #drawing;

  /**
   * @param {import("./service.js").Service} service
   * @param {CodeWatcher} watcher
   */
  constructor(service, watcher) {
    this.service = service;
    this.watcher = watcher;
    this.#drawing = new Newest((code) => this.#draw(code), watcher.onBusy);
    /** @type {?number[]} the code, where it was made by hand */
    this.edited = null;
  }

  /** @param {ArrayLike<number>} code of the image on the screen; what was made by hand is forgotten */
  setOwn(code) {
    this.edited = null;
    this.watcher.onCode(code, true);
  }

  /** @param {number[]} code made by hand */
  edit(code) {
    this.edited = code;
    this.watcher.onCode(code, false);
    this.#drawing.ask(code);
  }

  /** @param {number[]} code */
  async #draw(code) {
    try {
      const { pixels, ms } = await decode(this.service, code);
      this.watcher.onDrawn(pixels, ms);
    } catch (error) {
      this.watcher.onFailure(error);
    }
  }
}
