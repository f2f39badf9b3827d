/** Spoils images in the four ways that the default model was trained against. Equal seeds give equal noise. */

import { PIXELS, SIDE } from "./pixels.js";

const CELL = 4;
const CELLS = SIDE / CELL;

/**
 * @typedef {object} Noise
 * @property {number} most the strongest that the slider gives
 * @property {(strength: number) => string} tell the strength in words
 * @property {(pixels: Uint8Array, strength: number, random: () => number) => ArrayLike<number>} spoil
 */

/** @type {Record<string, Noise>} */
export const NOISES = {
  gaussian: { most: 0.6, tell: (sigma) => `standard deviation ${sigma.toFixed(2)}`, spoil: addGaussian },
  salt: { most: 0.4, tell: (share) => `${Math.round(100 * share)} % of the pixels`, spoil: addSalt },
  cells: { most: 0.5, tell: (share) => `${Math.round(100 * share)} % of the cells`, spoil: dropCells },
  blur: { most: 2, tell: (sigma) => `${sigma.toFixed(1)} pixels`, spoil: blur },
};

/**
 * @param {Uint8Array} pixels 784 bytes
 * @param {string} kind of NOISES
 * @param {number} amount in [0, 1] of the most; 0 leaves the image as it is
 * @param {number} seed
 * @returns {Uint8Array} 784 bytes
 */
export function spoil(pixels, kind, amount, seed) {
  if (amount === 0) {
    return pixels;
  }
  const spoilt = NOISES[kind].spoil(pixels, amount * NOISES[kind].most, buildRandom(seed));
  return new Uint8Array(Uint8ClampedArray.from(spoilt));
}

/**
 * Numbers in [0, 1) from a seed: a Weyl sequence, well mixed.
 * @param {number} seed
 */
function buildRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Normal noise by Box and Muller (1958). */
function addGaussian(pixels, sigma, random) {
  return Float32Array.from(pixels, (ink) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return ink + 255 * sigma * normal;
  });
}

function addSalt(pixels, share, random) {
  return pixels.map((ink) => {
    const draw = random();
    return draw < share / 2 ? 0 : draw < share ? 255 : ink;
  });
}

function dropCells(pixels, share, random) {
  const isKept = Array.from({ length: CELLS * CELLS }, () => random() >= share);
  return pixels.map((ink, place) => {
    const row = Math.floor(place / SIDE / CELL);
    const column = Math.floor((place % SIDE) / CELL);
    return isKept[row * CELLS + column] ? ink : 0;
  });
}

/** Across, then down; pixels beyond the border have no weight. */
function blur(pixels, sigma) {
  return blurLines(blurLines(pixels, sigma, 1, SIDE), sigma, SIDE, 1);
}

/**
 * @param {ArrayLike<number>} pixels
 * @param {number} sigma
 * @param {number} along distance from a pixel to the next one of its line
 * @param {number} across distance from a line to the next
 */
function blurLines(pixels, sigma, along, across) {
  const blurred = new Float32Array(PIXELS);
  for (let line = 0; line < SIDE; line += 1) {
    for (let to = 0; to < SIDE; to += 1) {
      let [sum, weights] = [0, 0];
      for (let from = 0; from < SIDE; from += 1) {
        const weight = Math.exp(-((from - to) ** 2) / (2 * sigma ** 2));
        sum += weight * pixels[line * across + from * along];
        weights += weight;
      }
      blurred[line * across + to * along] = sum / weights;
    }
  }
  return blurred;
}
