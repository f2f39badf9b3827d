/** Writes a table as CSV (RFC 4180). */

/**
 * @param {(string|number|boolean)[][]} rows
 * @returns {string}
 */
export function writeCsv(rows) {
  return rows.map((row) => `${row.map(quote).join(",")}\r\n`).join("");
}

/** @param {string|number|boolean} value */
function quote(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
