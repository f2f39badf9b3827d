/** The map on the page: dots by class, where the digit on screen lies, and a pointer to drag across. */

const COLOURS = [
  "#6db3ff", "#ffb454", "#7ee787", "#ff8a80", "#d2a8ff", "#f2e05e", "#5ce0e6", "#ff9bce", "#b4c2d3", "#c3e86b",
];
const MARGIN = 0.06;
const DOT_SHARE = 0.0055;
const KEY_STEP = 0.02;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class MapView {
  /** @type {?import("./code_map.js").CodeMap} */
  #map = null;
  #mark = { x: 0.5, y: 0.5 };
  #isHeld = false;

  /**
   * @param {HTMLCanvasElement} canvas square
   * @param {HTMLElement} lens moves with the pointer
   * @param {(place: import("./code_map.js").Place) => void} onPick hears of places that the pointer passes
   */
  constructor(canvas, lens, onPick) {
    this.canvas = canvas;
    this.lens = lens;
    this.onPick = onPick;
    this.dots = new OffscreenCanvas(canvas.width, canvas.height);
    canvas.addEventListener("pointerdown", (event) => this.#hold(event));
    canvas.addEventListener("pointermove", (event) => this.#isHeld && this.#pick(this.#find(event)));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => (this.#isHeld = false));
    }
    canvas.addEventListener("keydown", (event) => this.#press(event));
  }

  /** @param {?import("./code_map.js").CodeMap} map */
  show(map) {
    this.#map = map;
    this.#paintDots();
    this.#paint();
  }

  /** @param {import("./code_map.js").Place} place where what is on screen lies */
  mark(place) {
    this.#mark = place;
    this.lens.hidden = true;
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #hold(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.#isHeld = true;
    this.#pick(this.#find(event));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      event.preventDefault();
      this.#pick({ x: this.#mark.x + arrow[0] * KEY_STEP, y: this.#mark.y + arrow[1] * KEY_STEP });
    }
  }

  /** @param {import("./code_map.js").Place} place */
  #pick({ x, y }) {
    if (!this.#map) {
      return;
    }
    const keep = (value) => Math.min(Math.max(value, -MARGIN), 1 + MARGIN);
    this.#mark = { x: keep(x), y: keep(y) };
    this.#paint();
    this.#moveLens();
    this.onPick(this.#mark);
  }

  /** The lens stands above the pointer, or below it near the upper edge. */
  #moveLens() {
    const { x, y } = this.#toShare(this.#mark);
    this.lens.hidden = false;
    this.lens.style.left = `${100 * Math.min(Math.max(x, 0.12), 0.88)}%`;
    this.lens.style.top = `${100 * (y < 0.32 ? y + 0.16 : y - 0.16)}%`;
  }

  /**
   * @param {PointerEvent} event
   * @returns {import("./code_map.js").Place}
   */
  #find(event) {
    const box = this.canvas.getBoundingClientRect();
    const toPlace = (share) => share * (1 + 2 * MARGIN) - MARGIN;
    return {
      x: toPlace((event.clientX - box.left) / box.width),
      y: toPlace((event.clientY - box.top) / box.height),
    };
  }

  /** @param {import("./code_map.js").Place} place @returns shares of the canvas */
  #toShare({ x, y }) {
    return { x: (x + MARGIN) / (1 + 2 * MARGIN), y: (y + MARGIN) / (1 + 2 * MARGIN) };
  }

  #paint() {
    const context = this.canvas.getContext("2d");
    const side = this.canvas.width;
    context.clearRect(0, 0, side, side);
    if (!this.#map) {
      return;
    }
    context.drawImage(this.dots, 0, 0);
    const { x, y } = this.#toShare(this.#mark);
    for (const [colour, width] of [["#000", 7], ["#fff", 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.arc(x * side, y * side, 0.022 * side, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #paintDots() {
    const context = this.dots.getContext("2d");
    const side = this.dots.width;
    context.clearRect(0, 0, side, side);
    this.#map?.places.forEach(([x, y], row) => {
      const share = this.#toShare({ x, y });
      context.fillStyle = COLOURS[Number(this.#map.labels?.[row] ?? 0)];
      context.globalAlpha = 0.75;
      context.beginPath();
      context.arc(share.x * side, share.y * side, DOT_SHARE * side, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
    this.#paintNames(context, side);
  }

  /**
   * Every class is named at its middle.
   * @param {OffscreenCanvasRenderingContext2D} context
   * @param {number} side
   */
  #paintNames(context, side) {
    context.font = `600 ${Math.round(side * 0.05)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = side * 0.011;
    context.lineJoin = "round";
    context.strokeStyle = "#0b0e12";
    context.fillStyle = "#fff";
    for (const name of new Set(this.#map?.labels)) {
      const own = this.#map.places.filter((_, row) => this.#map.labels[row] === name);
      const place = this.#toShare({ x: findMiddle(own.map(([x]) => x)), y: findMiddle(own.map(([, y]) => y)) });
      context.strokeText(name, place.x * side, place.y * side);
      context.fillText(name, place.x * side, place.y * side);
    }
  }
}

/** @param {number[]} values at least one; their median */
function findMiddle(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}
