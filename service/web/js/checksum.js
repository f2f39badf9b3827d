/** CRC-32 as PNG and zip want it (ISO 3309). */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  }
  return rest;
});

/**
 * @param {Uint8Array} bytes
 * @returns {number} unsigned, 32 bits
 */
export function crc32(bytes) {
  return ~bytes.reduce((rest, byte) => TABLE[(rest ^ byte) & 0xff] ^ (rest >>> 8), -1) >>> 0;
}
