/** What the service says of the image, on the page: three pictures, a sentence, the gauge, figures and times. */

import { paintDifference, paintGrey } from "./pixels.js";
import { findGaugePlace, tellScore, tellShare, tellVerdict } from "./verdict.js";

// A screen reader that hears a sentence at every stroke hears nothing to its end.
const SPEAK_AFTER_MS = 700;
const EMPTY = "Draw a digit, or take one of the samples.";

export class Screen {
  #speaking = 0;
  #times = {};

  /** @param {(name: string) => HTMLElement} find an element by its id */
  constructor(find) {
    this.find = find;
    this.sentence = find("sentence");
    this.spoken = find("spoken");
    this.gauge = find("gauge");
    this.times = find("times");
  }

  /** @param {?Uint8Array} pixels what the model is about to see; null for nothing */
  showSeen(pixels) {
    paintGrey(this.find("seen"), pixels);
    if (!pixels) {
      this.#showNothing();
    }
  }

  /**
   * @param {Uint8Array} pixels
   * @param {import("./codec.js").Answer} answer
   * @param {number} threshold
   */
  showAnswer(pixels, { reconstruction, verdict, ms }, threshold) {
    paintGrey(this.find("drawn"), reconstruction);
    paintDifference(this.find("difference"), pixels, reconstruction);
    this.sentence.dataset.verdict = verdict.isAnomaly ? "anomaly" : "clean";
    this.#say(tellVerdict(verdict, threshold));
    this.#showScore(verdict);
    this.showTimes(ms);
  }

  /** @param {number} threshold in [0, 1] */
  showThreshold(threshold) {
    this.find("threshold-mark").style.left = `${100 * findGaugePlace(threshold)}%`;
    this.find("threshold-value").textContent = tellShare(threshold);
  }

  /** @param {Record<string, number>} ms round trips by operation */
  showTimes(ms) {
    this.#times = { ...this.#times, ...ms };
    const parts = Object.entries(this.#times).map(([name, value]) => `${name} ${value.toFixed(0)} ms`);
    this.times.textContent = parts.join(" · ");
  }

  #showNothing() {
    paintGrey(this.find("drawn"), null);
    paintDifference(this.find("difference"), null, null);
    this.sentence.dataset.verdict = "";
    this.#say(EMPTY);
    this.gauge.classList.add("empty");
    this.find("score").textContent = "–";
    this.find("error").textContent = "–";
  }

  /** @param {import("./codec.js").Verdict} verdict */
  #showScore({ score, error }) {
    this.gauge.classList.remove("empty");
    this.find("needle").style.left = `${100 * findGaugePlace(score)}%`;
    this.gauge.setAttribute("aria-valuenow", String(score));
    this.gauge.setAttribute("aria-valuetext", tellShare(score));
    this.find("score").textContent = tellScore(score);
    this.find("error").textContent = error.toFixed(4);
  }

  /** @param {string} text */
  #say(text) {
    this.sentence.textContent = text;
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => (this.spoken.textContent = text), SPEAK_AFTER_MS);
  }
}
