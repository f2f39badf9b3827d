/** The map of a model's codes: places of digits on paper, and the way from a code to a place and back. */

import { fromBase64 } from "./pixels.js";

const PLACE_STEPS = 2 ** 16 - 1;
const CODE_STEPS = 2 ** 8 - 1;
// A code lands between its nearest neighbours; more of them would pull it off its island.
const LANDING_NEIGHBOURS = 3;
// What lies between dots is mixed of these.
const MIXED_NEIGHBOURS = 6;
// On a dot its own code has all the weight, without a division by zero.
const LEAST_DISTANCE = 1e-9;
// Model servers round differently, other models code differently altogether; a share of the range of a unit.
const SAME_SHARE = 0.02;

/** @typedef {{x: number, y: number}} Place both in [0, 1], right and down */

export class CodeMap {
  /** @param {object} file what `python -m training map` writes */
  constructor(file) {
    this.model = file.model;
    this.data = file.data;
    this.projection = file.projection;
    this.codeDim = file.code_dim;
    this.size = file.digits;
    this.labels = file.labels;
    this.witness = { image: fromBase64(file.witness.image), code: file.witness.code };
    this.low = file.low;
    this.high = file.high;
    this.places = readPlaces(fromBase64(file.places));
    this.codes = readCodes(fromBase64(file.codes), file.low, file.high);
  }

  /**
   * Whether the map is of the model that gave the witness this code.
   * @param {ArrayLike<number>} code
   */
  isOf(code) {
    const isNear = (value, unit) => Math.abs(value - code[unit]) <= SAME_SHARE * (this.high[unit] - this.low[unit]);
    return code.length === this.codeDim && this.witness.code.every(isNear);
  }

  /**
   * Where a code lies.
   * @param {ArrayLike<number>} code
   * @returns {Place}
   */
  land(code) {
    const nearest = findNearest(this.codes, code, LANDING_NEIGHBOURS);
    const [x, y] = mix(nearest, (row) => this.places[row], 2);
    return { x, y };
  }

  /**
   * The code of a place: between the dots, a mixture of theirs.
   * @param {Place} place
   * @returns {number[]}
   */
  pick({ x, y }) {
    const nearest = findNearest(this.places, [x, y], MIXED_NEIGHBOURS);
    return mix(nearest, (row) => this.codes[row], this.codeDim);
  }

  /**
   * The classes around a place, the most frequent first.
   * @param {Place} place
   * @returns {string[]}
   */
  nameAround({ x, y }) {
    if (!this.labels) {
      return [];
    }
    const names = findNearest(this.places, [x, y], MIXED_NEIGHBOURS).map(({ row }) => this.labels[row]);
    const count = (name) => names.filter((each) => each === name).length;
    return [...new Set(names)].sort((one, other) => count(other) - count(one));
  }
}

/**
 * @param {Uint8Array} bytes two little-endian uint16 a place
 * @returns {number[][]}
 */
function readPlaces(bytes) {
  const view = new DataView(bytes.buffer);
  const read = (at) => view.getUint16(at, true) / PLACE_STEPS;
  return Array.from({ length: bytes.length / 4 }, (_, row) => [read(4 * row), read(4 * row + 2)]);
}

/**
 * @param {Uint8Array} bytes one a number
 * @param {number[]} low what 0 stands for
 * @param {number[]} high what 255 stands for
 * @returns {number[][]}
 */
function readCodes(bytes, low, high) {
  const width = low.length;
  return Array.from({ length: bytes.length / width }, (_, row) =>
    low.map((least, unit) => least + (bytes[row * width + unit] / CODE_STEPS) * (high[unit] - least)),
  );
}

/**
 * @param {number[][]} points
 * @param {ArrayLike<number>} target
 * @param {number} count
 * @returns {{row: number, distance: number}[]} squared distances, the nearest first
 */
function findNearest(points, target, count) {
  const all = points.map((point, row) => ({
    row,
    distance: point.reduce((sum, value, unit) => sum + (value - target[unit]) ** 2, 0),
  }));
  return all.sort((one, other) => one.distance - other.distance).slice(0, count);
}

/**
 * Mean of what belongs to neighbours, weighted by the inverse of their squared distance.
 * @param {{row: number, distance: number}[]} neighbours
 * @param {(row: number) => number[]} find
 * @param {number} width
 * @returns {number[]}
 */
function mix(neighbours, find, width) {
  const weights = neighbours.map(({ distance }) => 1 / (distance + LEAST_DISTANCE));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const values = neighbours.map(({ row }) => find(row));
  return Array.from({ length: width }, (_, unit) =>
    values.reduce((sum, value, index) => sum + (weights[index] / total) * value[unit], 0),
  );
}
