/** Pen strokes -> an image as MNIST's are: fitted in 20x20, centred by mass in 28x28, with grey edges. */

import { PIXELS, SIDE } from "./pixels.js";

/** @typedef {{x: number, y: number, weight: number}} PenPoint place in pixels of the pad; the pen's width is times weight */
/** @typedef {PenPoint[]} Stroke */

const FIT_SIDE = 20;
// Where the centre of mass of MNIST's digits lies: the middle of pixel 14.
const CENTRE = 14.5;
// As wide as the pen of MNIST's digits after their fit.
const PEN_WIDTH = 2.5;
// Each pixel is the mean of so many each way.
const OVERSAMPLING = 8;
// A dot is not blown up to a digit's size: strokes of less than this share of the pad keep their size.
const LEAST_SHARE = 0.2;

/**
 * @param {Stroke[]} strokes at least one point
 * @param {number} padSide side of the pad
 * @returns {Uint8Array} 784 bytes
 */
export function inkStrokes(strokes, padSide) {
  const points = strokes.flat();
  const box = findBox(points);
  const side = Math.max(box.width, box.height, LEAST_SHARE * padSide);
  const scale = (FIT_SIDE - PEN_WIDTH) / side;
  const middle = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const place = { scale, x: SIDE / 2 - middle.x * scale, y: SIDE / 2 - middle.y * scale };
  const mass = findCentre(rasterise(strokes, place));
  const room = { x: findRoom(box.width * scale), y: findRoom(box.height * scale) };
  place.x += clamp(CENTRE - mass.x, room.x);
  place.y += clamp(CENTRE - mass.y, room.y);
  return rasterise(strokes, place);
}

/** @param {PenPoint[]} points */
function findBox(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/**
 * How far ink of this length may move from the middle without leaving the picture.
 * @param {number} length
 */
function findRoom(length) {
  return Math.max(0, (SIDE - length - PEN_WIDTH) / 2);
}

/**
 * @param {number} value
 * @param {number} most
 */
function clamp(value, most) {
  return Math.min(Math.max(value, -most), most);
}

/**
 * @param {Stroke[]} strokes
 * @param {{scale: number, x: number, y: number}} place
 * @returns {Uint8Array} 784 bytes
 */
function rasterise(strokes, place) {
  const side = SIDE * OVERSAMPLING;
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  context.scale(OVERSAMPLING, OVERSAMPLING);
  context.translate(place.x, place.y);
  context.scale(place.scale, place.scale);
  context.strokeStyle = "#fff";
  for (const stroke of strokes) {
    drawStroke(context, stroke, PEN_WIDTH / place.scale);
  }
  return average(context.getImageData(0, 0, side, side).data);
}

// A line of no length is not drawn at all, and a dot is one.
const LEAST_LENGTH = 0.01;

/**
 * A smooth line through the points of a stroke: curves from middle to middle, bent towards the points.
 * @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} penWidth
 */
export function drawStroke(context, stroke, penWidth) {
  context.lineCap = "round";
  context.lineJoin = "round";
  let from = stroke[0];
  stroke.forEach((point, index) => {
    const next = stroke[index + 1] ?? point;
    const to = { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    context.lineWidth = penWidth * point.weight;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(point.x, point.y, to.x + LEAST_LENGTH, to.y);
    context.stroke();
    from = to;
  });
}

/**
 * @param {Uint8ClampedArray} colours of an oversampled picture
 * @returns {Uint8Array} the mean opacity of each pixel
 */
function average(colours) {
  const sums = new Float32Array(PIXELS);
  const side = SIDE * OVERSAMPLING;
  for (let place = 0; place < side * side; place += 1) {
    const row = Math.floor(place / side / OVERSAMPLING);
    const column = Math.floor((place % side) / OVERSAMPLING);
    sums[row * SIDE + column] += colours[4 * place + 3];
  }
  return Uint8Array.from(sums, (sum) => Math.round(sum / OVERSAMPLING ** 2));
}

/** @param {Uint8Array} pixels 784 bytes */
function findCentre(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((ink, place) => {
    mass += ink;
    x += ink * ((place % SIDE) + 0.5);
    y += ink * (Math.floor(place / SIDE) + 0.5);
  });
  return { x: x / mass, y: y / mass };
}
