/** The controls of the noise. */

import { NOISES } from "./noise.js";

export class NoiseBox {
  #seed = 1;

  /**
   * @param {(name: string) => HTMLElement} find an element by its id
   * @param {(noise: {kind: string, amount: number, seed: number}) => void} onNoise hears of every change
   */
  constructor(find, onNoise) {
    this.kind = find("noise-kind");
    this.amount = find("noise");
    this.told = find("noise-value");
    this.onNoise = onNoise;
    this.kind.addEventListener("change", () => this.#tell());
    this.amount.addEventListener("input", () => this.#tell());
    find("noise-again").addEventListener("click", () => {
      this.#seed += 1;
      this.#tell();
    });
  }

  #tell() {
    const kind = this.kind.value;
    const amount = this.amount.valueAsNumber;
    const { most, tell } = NOISES[kind];
    this.told.textContent = amount ? tell(amount * most) : "none";
    this.amount.setAttribute("aria-valuetext", this.told.textContent);
    this.onNoise({ kind, amount, seed: this.#seed });
  }
}
