/** A code as bars around zero; each bar is a slider. */

// Room above the largest number, to drag into.
const ROOM = 1.2;
// The scale goes in such steps: one that followed every stroke would let no two codes be compared.
const REACH_STEP = 5;
// Of equal steps this many reach from the least to the largest.
const STEPS = 200;

export class CodePanel {
  /** @type {HTMLInputElement[]} */
  #sliders = [];
  #reach = 1;

  /**
   * @param {HTMLElement} board holds the bars
   * @param {HTMLOutputElement} told names the number that is being moved
   * @param {(code: number[]) => void} onEdit hears of every move of a slider
   */
  constructor(board, told, onEdit) {
    this.board = board;
    this.told = told;
    this.onEdit = onEdit;
  }

  /**
   * @param {ArrayLike<number>} code
   * @param {boolean} isOwn it is an image's; under a hand that moves a slider the scale only grows
   */
  show(code, isOwn) {
    if (code.length !== this.#sliders.length) {
      this.#build(code.length);
    }
    const reach = Math.ceil((ROOM * Math.max(...Array.from(code, Math.abs))) / REACH_STEP) * REACH_STEP || REACH_STEP;
    this.#reach = isOwn ? reach : Math.max(this.#reach, reach);
    this.#sliders.forEach((slider, unit) => {
      slider.min = -this.#reach;
      slider.max = this.#reach;
      slider.step = this.#reach / STEPS;
      slider.value = code[unit];
      this.#paint(slider, code[unit]);
    });
  }

  /** @param {number} width */
  #build(width) {
    this.#sliders = Array.from({ length: width }, (_, unit) => this.#buildSlider(unit));
    this.board.replaceChildren(...this.#sliders.map((slider) => slider.parentElement));
  }

  /** @param {number} unit */
  #buildSlider(unit) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.setAttribute("aria-label", `Number ${unit + 1} of the code`);
    slider.addEventListener("input", () => this.#move(slider, unit));
    const bar = document.createElement("span");
    bar.className = "bar";
    const column = document.createElement("span");
    column.className = "unit";
    column.append(bar, slider);
    return slider;
  }

  /**
   * @param {HTMLInputElement} slider
   * @param {number} unit
   */
  #move(slider, unit) {
    this.#paint(slider, slider.valueAsNumber);
    this.told.textContent = `number ${unit + 1}: ${slider.valueAsNumber.toFixed(2)}`;
    this.onEdit(this.#sliders.map((each) => each.valueAsNumber));
  }

  /**
   * @param {HTMLInputElement} slider
   * @param {number} value
   */
  #paint(slider, value) {
    const bar = slider.previousElementSibling;
    const share = value / this.#reach / 2;
    bar.style.top = `${100 * (0.5 - Math.max(share, 0))}%`;
    bar.style.height = `${100 * Math.abs(share)}%`;
    bar.classList.toggle("negative", value < 0);
    slider.setAttribute("aria-valuetext", value.toFixed(2));
  }
}
