/** The table of files on the page. */

import { sortRows, writeCleaned, writeTable } from "./files_order.js";
import { save } from "./save.js";
import { tellScore } from "./verdict.js";

/** @typedef {import("./files_run.js").FileRow} FileRow */

export class FilesTable {
  /** @type {Map<FileRow, HTMLTableRowElement>} */
  #lines = new Map();
  #column = "score";
  #isDescending = true;

  /**
   * @param {HTMLElement} section holds the table, its buttons and its progress
   * @param {{onLook: (file: File) => void, onEmpty: () => void}} watcher hears which row is to be shown above, and that
   *   all are gone
   */
  constructor(section, watcher) {
    this.section = section;
    this.watcher = watcher;
    this.body = section.querySelector("tbody");
    this.progress = section.querySelector("[data-progress]");
    for (const button of section.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => this.#sortBy(button.dataset.sort));
    }
    const press = (name, act) => section.querySelector(`[data-${name}]`).addEventListener("click", act);
    press("csv", () => save(writeTable(this.#sorted()), "digits.csv"));
    press("zip", () => save(writeCleaned(this.#sorted()), "cleaned.zip"));
    press("empty", () => this.#empty());
  }

  /** @param {FileRow[]} rows without answers */
  add(rows) {
    this.section.hidden = false;
    for (const row of rows) {
      this.#lines.set(row, this.body.insertRow());
      this.update(row);
    }
    this.section.scrollIntoView({ block: "nearest" });
  }

  /** @param {FileRow} row one that has changed */
  update(row) {
    const line = this.#lines.get(row);
    if (!line) {
      return; // the table was emptied meanwhile
    }
    line.replaceChildren(...this.#buildCells(row));
    line.classList.toggle("anomaly", row.answer?.verdict.isAnomaly ?? false);
    this.#tell();
  }

  #sorted() {
    return sortRows([...this.#lines.keys()], this.#column, this.#isDescending);
  }

  /** @param {string} column */
  #sortBy(column) {
    this.#isDescending = column === this.#column ? !this.#isDescending : column !== "file";
    this.#column = column;
    this.#arrange();
  }

  #arrange() {
    this.body.append(...this.#sorted().map((row) => this.#lines.get(row)));
    for (const button of this.section.querySelectorAll("[data-sort]")) {
      const isOwn = button.dataset.sort === this.#column;
      const order = this.#isDescending ? "descending" : "ascending";
      button.closest("th").setAttribute("aria-sort", isOwn ? order : "none");
    }
  }

  #empty() {
    this.#lines.clear();
    this.body.replaceChildren();
    this.section.hidden = true;
    this.watcher.onEmpty();
  }

  #tell() {
    const rows = [...this.#lines.keys()];
    const done = rows.filter((row) => row.answer || row.problem).length;
    const strange = rows.filter((row) => row.answer?.verdict.isAnomaly).length;
    const failed = rows.filter((row) => row.problem).length;
    this.progress.textContent =
      `${done} of ${rows.length} done, ${strange} ${strange === 1 ? "anomaly" : "anomalies"}` + (failed ? `, ${failed} without an answer` : "");
    if (done === rows.length) {
      this.#arrange();
    }
  }

  /** @param {FileRow} row */
  #buildCells(row) {
    const { answer, file } = row;
    const verdict = answer?.verdict;
    const cell = (content, name = "") => {
      const made = document.createElement("td");
      made.className = name;
      made.append(content);
      return made;
    };
    return [
      cell(answer ? this.#buildLook(row) : ""),
      cell(answer ? buildPicture(answer.cleaned, `cleaned ${file.name}`) : ""),
      cell(file.name, "name"),
      cell(verdict ? tellScore(verdict.score) : "", "number"),
      cell(verdict ? verdict.error.toFixed(4) : "", "number"),
      cell(row.problem || (verdict ? tellOutcome(answer) : "waiting"), "outcome"),
    ];
  }

  /** @param {FileRow} row */
  #buildLook({ file, answer }) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "show it above";
    button.append(buildPicture(answer.seen, `${file.name}, show it above`));
    button.addEventListener("click", () => this.watcher.onLook(file));
    return button;
  }
}

/**
 * @param {string} png base64
 * @param {string} alt
 */
function buildPicture(png, alt) {
  const picture = document.createElement("img");
  picture.alt = alt;
  picture.width = picture.height = 28;
  picture.src = `data:image/png;base64,${png}`;
  return picture;
}

/** @param {import("./codec.js").FileAnswer} answer */
function tellOutcome({ verdict, note }) {
  return [verdict.isAnomaly ? "anomaly" : "clean", ...(note ? [note] : [])].join(": ");
}
