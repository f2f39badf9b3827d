/** The slider of the threshold; it has the scale of the gauge. */

import { findGaugePlace, findScore } from "./verdict.js";

/**
 * @param {HTMLInputElement} slider
 * @param {number} threshold where it stands at first
 * @param {(threshold: number) => void} onThreshold hears of every change
 */
export function takeThreshold(slider, threshold, onThreshold) {
  slider.value = findGaugePlace(threshold);
  slider.addEventListener("input", () => onThreshold(findScore(slider.valueAsNumber)));
}
