/** The order of the table of files, and what it is as CSV and as an archive. */

import { writeCsv } from "./csv.js";
import { fromBase64 } from "./pixels.js";
import { writeZip } from "./zip.js";

/** @typedef {import("./files_run.js").FileRow} FileRow */

/** What a column is sorted by. */
const KEYS = {
  file: (row) => row.file.name,
  score: (row) => row.answer?.verdict.score,
  error: (row) => row.answer?.verdict.error,
};

/**
 * @param {FileRow[]} rows
 * @param {string} column of file, score or error
 * @param {boolean} isDescending
 * @returns {FileRow[]} those without an answer last
 */
export function sortRows(rows, column, isDescending) {
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [first, second] = [KEYS[column](one), KEYS[column](other)];
    if (first === undefined || second === undefined) {
      return Number(first === undefined) - Number(second === undefined);
    }
    return sign * (first < second ? -1 : Number(first > second));
  });
}

/**
 * @param {FileRow[]} rows
 * @returns {Blob}
 */
export function writeTable(rows) {
  const head = ["file", "anomaly_score", "reconstruction_error", "anomaly", "note", "problem"];
  const lines = rows.map(({ file, answer, problem }) => {
    const { score = "", error = "", isAnomaly = "" } = answer?.verdict ?? {};
    return [file.name, score, error, isAnomaly, answer?.note ?? "", problem];
  });
  return new Blob([writeCsv([head, ...lines])], { type: "text/csv" });
}

/**
 * The cleaned pictures as PNG files named as theirs were.
 * @param {FileRow[]} rows
 * @returns {Blob}
 */
export function writeCleaned(rows) {
  const taken = new Set();
  const files = rows
    .filter((row) => row.answer)
    .map((row) => ({ name: findName(row.file.name, taken), bytes: fromBase64(row.answer.cleaned) }));
  return writeZip(files);
}

/**
 * @param {string} name
 * @param {Set<string>} taken names that are used; the new one is added
 */
function findName(name, taken) {
  const stem = name.replace(/\.[^.]*$/, "");
  let free = `${stem}.png`;
  for (let number = 2; taken.has(free); number += 1) {
    free = `${stem}-${number}.png`;
  }
  taken.add(free);
  return free;
}
