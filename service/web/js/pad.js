/** The pad: strokes by mouse, touch, pen or keyboard; also shows a picture that came another way. */

import { drawStroke } from "./ink.js";
import { paintGrey, SIDE } from "./pixels.js";

const PEN_SHARE = 0.09;
// A pen at half its pressure draws as a mouse does.
const MIDDLE_PRESSURE = 0.5;
const KEY_STEPS = 24;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /** @type {import("./ink.js").Stroke[]} */
  #strokes = [];
  /** @type {?Uint8Array} */
  #picture = null;
  #isDown = false;
  #pen = { x: 0, y: 0 };

  /**
   * @param {HTMLCanvasElement} canvas square
   * @param {(strokes: import("./ink.js").Stroke[]) => void} onInk hears of every change
   */
  constructor(canvas, onInk) {
    this.canvas = canvas;
    this.onInk = onInk;
    this.side = canvas.width;
    this.#pen = { x: this.side / 2, y: this.side / 2 };
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => event.isPrimary && this.#lift());
    }
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("blur", () => this.#lift());
    canvas.addEventListener("focus", () => this.#paint());
  }

  /** Take all ink away. */
  clear() {
    this.#picture = null;
    this.#strokes = [];
    this.#isDown = false;
    this.#changed();
  }

  /**
   * Show a picture in place of the ink; the next stroke takes it away.
   * @param {Uint8Array} pixels 784 bytes
   */
  show(pixels) {
    this.#strokes = [];
    this.#picture = pixels;
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== 0 || !event.isPrimary) {
      return;
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.#put(this.#find(event));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.#isDown || !event.isPrimary) {
      return; // a palm or a second finger draws nothing
    }
    const events = event.getCoalescedEvents?.() ?? [];
    this.#strokes.at(-1).push(...(events.length ? events : [event]).map((each) => this.#find(each)));
    this.#changed();
  }

  #lift() {
    this.#isDown = false;
    this.#paint();
  }

  /**
   * Arrows move the pen, space puts it down or lifts it, Delete clears.
   * @param {KeyboardEvent} event
   */
  #press(event) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      this.#step(arrow);
    } else if (event.key === " ") {
      this.#isDown ? this.#lift() : this.#put({ ...this.#pen, weight: 1 });
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** @param {number[]} arrow direction across and down */
  #step([across, down]) {
    const keep = (place) => Math.min(Math.max(place, 0), this.side);
    const step = this.side / KEY_STEPS;
    this.#pen = { x: keep(this.#pen.x + across * step), y: keep(this.#pen.y + down * step) };
    if (this.#isDown) {
      this.#strokes.at(-1).push({ ...this.#pen, weight: 1 });
      this.#changed();
    } else {
      this.#paint();
    }
  }

  /** @param {import("./ink.js").PenPoint} point where a stroke begins */
  #put(point) {
    this.#picture = null;
    this.#isDown = true;
    this.#strokes.push([point]);
    this.#changed();
  }

  /**
   * @param {PointerEvent} event
   * @returns {import("./ink.js").PenPoint}
   */
  #find(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.side / box.width;
    const weight = event.pointerType === "pen" ? 0.5 + event.pressure / (2 * MIDDLE_PRESSURE) : 1;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale, weight };
  }

  #changed() {
    this.#paint();
    this.onInk(this.#strokes);
  }

  #paint() {
    const context = this.canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.side, this.side);
    if (this.#picture) {
      this.#paintPicture(context);
    }
    context.strokeStyle = "#fff";
    this.#strokes.forEach((stroke) => drawStroke(context, stroke, PEN_SHARE * this.side));
    if (this.canvas.matches(":focus-visible")) {
      this.#paintPen(context);
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintPicture(context) {
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    paintGrey(small, this.#picture);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, this.side, this.side);
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintPen(context) {
    context.lineWidth = 2;
    context.strokeStyle = this.#isDown ? "#ffb454" : "#6db3ff";
    context.beginPath();
    context.arc(this.#pen.x, this.#pen.y, (PEN_SHARE * this.side) / 2, 0, 2 * Math.PI);
    context.stroke();
  }
}
