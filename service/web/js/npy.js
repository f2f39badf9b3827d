/** Reads NumPy's file format, version 1: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */

const LENGTH_AT = 8;
const HEADER_AT = 10;

/**
 * @param {ArrayBuffer} file of little-endian float32 or of bytes
 * @returns {Float32Array|Uint8Array} all numbers, row by row
 */
export function parseNpy(file) {
  const start = HEADER_AT + new DataView(file).getUint16(LENGTH_AT, true);
  const header = new TextDecoder("latin1").decode(file.slice(HEADER_AT, start));
  return header.includes("'<f4'") ? new Float32Array(file.slice(start)) : new Uint8Array(file.slice(start));
}
