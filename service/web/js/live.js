/** The image on the screen: what it is, how it is spoilt, and what the service says of it. */

import { examine } from "./codec.js";
import { Newest } from "./newest.js";
import { spoil } from "./noise.js";

/**
 * @typedef {object} Watcher
 * @property {(pixels: ?Uint8Array) => void} onSeen hears what the model is about to see; null for nothing
 * @property {(pixels: Uint8Array, answer: import("./codec.js").Answer) => void} onAnswer
 * @property {(error: Error) => void} onFailure
 * @property {(isBusy: boolean) => void} onBusy
 */

export class Live {
  /** @type {?Uint8Array} */
  #base = null;
  #noise = { kind: "gaussian", amount: 0, seed: 1 };
  #asking;

  /**
   * @param {import("./service.js").Service} service
   * @param {Watcher} watcher
   */
  constructor(service, watcher) {
    this.service = service;
    this.watcher = watcher;
    this.#asking = new Newest((pixels) => this.#ask(pixels), watcher.onBusy);
    this.threshold = 0.99;
    /** @type {?Uint8Array} what the model sees */
    this.seen = null;
  }

  /** @param {?Uint8Array} pixels 784 bytes; null for an empty pad */
  setImage(pixels) {
    this.#base = pixels;
    this.again();
  }

  /** @param {{kind?: string, amount?: number, seed?: number}} noise what changes about it */
  setNoise(noise) {
    this.#noise = { ...this.#noise, ...noise };
    this.again();
  }

  /** @param {number} threshold in [0, 1] */
  setThreshold(threshold) {
    this.threshold = threshold;
    this.again();
  }

  /** Ask once more. */
  again() {
    const { kind, amount, seed } = this.#noise;
    this.seen = this.#base && spoil(this.#base, kind, amount, seed);
    this.watcher.onSeen(this.seen);
    if (this.seen) {
      this.#asking.ask(this.seen);
    }
  }

  /** @param {Uint8Array} pixels 784 bytes */
  async #ask(pixels) {
    try {
      const answer = await examine(this.service, pixels, this.threshold);
      if (this.seen) {
        this.watcher.onAnswer(pixels, answer);
      }
    } catch (error) {
      this.watcher.onFailure(error);
    }
  }
}
