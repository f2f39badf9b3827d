/** Asks for many files, a few at a time; what fails for a while waits and is asked again. */

import { examineFile } from "./codec.js";

// Enough to keep a model busy, few enough that the pad stays quick.
const AT_ONCE = 4;
const WAIT_MS = 1000;

/**
 * @typedef {object} FileRow
 * @property {File} file
 * @property {?import("./codec.js").FileAnswer} answer
 * @property {string} problem why there is no answer; empty while there may be one
 */

export class FilesRun {
  /** @type {FileRow[]} */
  #waiting = [];
  #running = 0;

  /**
   * @param {import("./service.js").Service} service
   * @param {() => number} findThreshold
   * @param {{onRow: (row: FileRow) => void, onFailure: (error: Error) => void}} watcher hears of finished rows, and of
   *   failures that pass
   */
  constructor(service, findThreshold, watcher) {
    this.service = service;
    this.findThreshold = findThreshold;
    this.watcher = watcher;
  }

  /** @param {FileRow[]} rows without answers */
  add(rows) {
    this.#waiting.push(...rows);
    while (this.#running < AT_ONCE && this.#waiting.length) {
      this.#running += 1;
      this.#work();
    }
  }

  /** What is not asked yet never is. */
  forget() {
    this.#waiting = [];
  }

  async #work() {
    while (this.#waiting.length) {
      await this.#ask(this.#waiting.shift());
    }
    this.#running -= 1;
  }

  /** @param {FileRow} row */
  async #ask(row) {
    try {
      row.answer = await examineFile(this.service, row.file, this.findThreshold());
    } catch (error) {
      if (error.isPassing) {
        this.watcher.onFailure(error);
        this.#waiting.unshift(row);
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfterS || WAIT_MS));
        return;
      }
      row.problem = error.message;
    }
    this.watcher.onRow(row);
  }
}
