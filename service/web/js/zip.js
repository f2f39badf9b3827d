/** Writes files into a zip archive as they are: APPNOTE.TXT of PKWARE, method 0. */

import { crc32 } from "./checksum.js";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const NAME_IS_UTF8 = 0x0800;
// 1980-01-01, the earliest that the format knows: equal files make equal archives.
const DATE = 0x21;

/**
 * @param {{name: string, bytes: Uint8Array}[]} files
 * @returns {Blob}
 */
export function writeZip(files) {
  const parts = [];
  const entries = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    const facts = describe(encoded, bytes);
    const head = [...number(LOCAL, 4), ...facts];
    parts.push(Uint8Array.from(head), encoded, bytes);
    entries.push(Uint8Array.from(describeEntry(facts, offset)), encoded);
    offset += head.length + encoded.length + bytes.length;
  }
  const size = entries.reduce((sum, entry) => sum + entry.length, 0);
  return new Blob([...parts, ...entries, Uint8Array.from(describeEnd(files.length, size, offset))], {
    type: "application/zip",
  });
}

/** What both heads of a file say: version, flags, method, time, date, checksum, sizes, length of the name. */
function describe(name, bytes) {
  return [
    ...number(VERSION, 2), ...number(NAME_IS_UTF8, 2), ...number(0, 2), ...number(0, 2), ...number(DATE, 2),
    ...number(crc32(bytes), 4), ...number(bytes.length, 4), ...number(bytes.length, 4),
    ...number(name.length, 2), ...number(0, 2),
  ];
}

/** The head in the directory: no comment, first disk, no attributes, and where the file begins. */
function describeEntry(facts, offset) {
  return [
    ...number(CENTRAL, 4), ...number(VERSION, 2), ...facts,
    ...number(0, 2), ...number(0, 2), ...number(0, 2), ...number(0, 4), ...number(offset, 4),
  ];
}

function describeEnd(count, size, offset) {
  return [
    ...number(END, 4), ...number(0, 2), ...number(0, 2), ...number(count, 2), ...number(count, 2),
    ...number(size, 4), ...number(offset, 4), ...number(0, 2),
  ];
}

/** @param {number} value so many bytes, the lowest first */
function number(value, bytes) {
  return Array.from({ length: bytes }, (_, place) => (value >>> (8 * place)) & 0xff);
}
