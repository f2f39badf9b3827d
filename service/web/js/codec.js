/** The operations of the service in this page's terms: pixels and codes in, pixels, codes and verdicts out. */

import { parseNpy } from "./npy.js";
import { fromBase64, readDigit } from "./pixels.js";

const NPY = "application/x-npy";
const RAW = "application/octet-stream";

/** The service's words for why a picture may hold no digit. */
const NOTES = {
  no_ink: "no ink was found",
  several_parts: "several parts of similar size, where a digit has one",
  flat: "much wider than high, as no digit is",
};

/**
 * @typedef {object} Verdict
 * @property {number} error mean squared difference of the pixels, in [0, 1]
 * @property {number} score anomaly score in [0, 1]
 * @property {boolean} isAnomaly
 */

/**
 * @typedef {object} Answer
 * @property {Uint8Array} reconstruction 784 bytes
 * @property {Float32Array} code
 * @property {Verdict} verdict
 * @property {Record<string, number>} ms round trips
 */

/**
 * @typedef {object} FileAnswer
 * @property {string} seen base64 PNG of what the model saw
 * @property {string} cleaned base64 PNG
 * @property {string} note why the file may hold no digit, in words; empty where nothing is to be said
 * @property {Verdict} verdict
 */

/**
 * Everything about one image, by two requests at once.
 * @param {import("./service.js").Service} service
 * @param {Uint8Array} pixels 784 bytes
 * @param {number} threshold
 * @returns {Promise<Answer>}
 */
export async function examine(service, pixels, threshold) {
  const post = { method: "POST", body: pixels, headers: { "Content-Type": RAW, Accept: NPY } };
  const [drawn, coded] = await Promise.all([
    service.ask(`reconstruct?threshold=${threshold}`, post),
    service.ask("encode", post),
  ]);
  return {
    reconstruction: parseNpy(await drawn.response.arrayBuffer()),
    code: parseNpy(await coded.response.arrayBuffer()),
    verdict: readVerdict(drawn.response.headers),
    ms: { reconstruct: drawn.ms, encode: coded.ms },
  };
}

/**
 * @param {Headers} headers
 * @returns {Verdict}
 */
function readVerdict(headers) {
  return {
    error: Number(headers.get("X-Reconstruction-Error")),
    score: Number(headers.get("X-Anomaly-Score")),
    isAnomaly: headers.get("X-Anomaly") === "true",
  };
}

/**
 * @param {import("./service.js").Service} service
 * @param {Uint8Array} pixels 784 bytes
 * @returns {Promise<Float32Array>}
 */
export async function encode(service, pixels) {
  const headers = { "Content-Type": RAW, Accept: NPY };
  const { response } = await service.ask("encode", { method: "POST", body: pixels, headers });
  return parseNpy(await response.arrayBuffer());
}

/**
 * @param {import("./service.js").Service} service
 * @param {ArrayLike<number>} code
 * @returns {Promise<{pixels: Uint8Array, ms: number}>}
 */
export async function decode(service, code) {
  const body = JSON.stringify({ codes: [Array.from(code)] });
  const headers = { "Content-Type": "application/json", Accept: NPY };
  const { response, ms } = await service.ask("decode", { method: "POST", body, headers });
  return { pixels: parseNpy(await response.arrayBuffer()), ms };
}

/**
 * The pixels that the model sees of a picture file of any size.
 * @param {import("./service.js").Service} service
 * @param {File} file
 * @returns {Promise<{pixels: Uint8Array, note: string}>} 784 bytes, and the note as in FileAnswer
 */
export async function readPicture(service, file) {
  const pixels = await readDigit(file);
  if (pixels) {
    return { pixels, note: "" };
  }
  const { seen, note } = await askAboutFile(service, file, "preprocess=mnist");
  return { pixels: await readDigit(new Blob([fromBase64(seen)], { type: "image/png" })), note };
}

/**
 * One picture file of any size; one that has 28x28 pixels is taken as it is.
 * @param {import("./service.js").Service} service
 * @param {File} file
 * @param {number} threshold
 * @returns {Promise<FileAnswer>}
 */
export async function examineFile(service, file, threshold) {
  const preprocess = (await readDigit(file)) ? "strict" : "mnist";
  return askAboutFile(service, file, `threshold=${threshold}&preprocess=${preprocess}`);
}

/**
 * @param {import("./service.js").Service} service
 * @param {File} file
 * @param {string} query
 * @returns {Promise<FileAnswer>}
 */
async function askAboutFile(service, file, query) {
  const body = new FormData();
  body.append("file", file);
  const { response } = await service.ask(`reconstruct?include=normalised&${query}`, { method: "POST", body });
  const answer = await response.json();
  return {
    seen: answer.normalised[0],
    cleaned: answer.reconstructions[0],
    note: tellNote(answer.notes?.[0]),
    verdict: { error: answer.errors[0], score: answer.anomaly_scores[0], isAnomaly: answer.anomalies[0] },
  };
}

/** @param {?string} [note] a word of the service; a newer one may have others */
function tellNote(note) {
  return note ? (NOTES[note] ?? note) : "";
}
