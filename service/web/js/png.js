/** Writes 28x28 pixels as a small grey PNG file: https://www.w3.org/TR/png-3/ */

import { crc32 } from "./checksum.js";
import { SIDE } from "./pixels.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
// Width and height, 8 bits, grey, and the only compression, filters and interlacing there are or wanted.
const HEADER = [0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 0, 0, 0, 0];

/**
 * @param {Uint8Array} pixels 784 bytes
 * @returns {Promise<Uint8Array>} the file
 */
export async function writePng(pixels) {
  const lines = Array.from({ length: SIDE }, (_, row) => [0, ...pixels.subarray(row * SIDE, (row + 1) * SIDE)]);
  const packed = await deflate(Uint8Array.from(lines.flat()));
  return Uint8Array.from([
    ...SIGNATURE,
    ...writeChunk("IHDR", HEADER),
    ...writeChunk("IDAT", packed),
    ...writeChunk("IEND", []),
  ]);
}

/** @param {Uint8Array} bytes */
async function deflate(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/**
 * @param {string} name
 * @param {ArrayLike<number>} data
 * @returns {number[]}
 */
function writeChunk(name, data) {
  const named = [...new TextEncoder().encode(name), ...data];
  return [...writeNumber(data.length), ...named, ...writeNumber(crc32(Uint8Array.from(named)))];
}

/** @param {number} value four bytes, the highest first */
function writeNumber(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
}
