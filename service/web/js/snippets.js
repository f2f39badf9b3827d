/** The commands and programs that do what is on the screen; they name a key's variable, never a key. */

import { toBase64 } from "./pixels.js";
import { writePng } from "./png.js";

const DIGITS = 4;
const KEY_VARIABLE = "DIGITCODEC_KEY";

/**
 * @typedef {object} Shown
 * @property {string} url of the service, without a slash at the end
 * @property {boolean} wantsKey
 * @property {number} threshold
 * @property {number} defaultThreshold
 * @property {?Uint8Array} pixels the image that the model sees
 * @property {?number[]} code one that was changed by hand, or null
 */

/**
 * @param {Shown} shown
 * @returns {Promise<{curl: string, python: string}>}
 */
export async function writeSnippets(shown) {
  const picture = shown.pixels ? toBase64(await writePng(shown.pixels)) : null;
  return { curl: writeCurl(shown, picture), python: writePython(shown, picture) };
}

/**
 * @param {Shown} shown
 * @param {?string} picture base64 PNG
 */
function writeCurl(shown, picture) {
  const key = shown.wantsKey ? ` \\\n  -H "X-API-Key: $${KEY_VARIABLE}"` : "";
  const ask = (path) => `curl -s '${shown.url}/${path}'${key} \\\n `;
  const send = (path) =>
    `echo '${picture}' | base64 -d |\n  ${ask(path)} -H 'Content-Type: image/png' --data-binary @-`;
  const threshold = isChosen(shown) ? `?threshold=${shown.threshold}` : "";
  return [
    ...(picture ? [send(`reconstruct${threshold}`), send("encode")] : []),
    ...(shown.code
      ? [`${ask("decode")} --json '{"codes": [${writeCode(shown.code)}]}' -H 'Accept: image/png' -o decoded.png`]
      : []),
  ].join("\n\n");
}

/**
 * @param {Shown} shown
 * @param {?string} picture base64 PNG
 */
function writePython(shown, picture) {
  const key = shown.wantsKey ? `, key=os.environ["${KEY_VARIABLE}"]` : "";
  const threshold = isChosen(shown) ? `, threshold=${shown.threshold}` : "";
  const ofPicture = [
    `    image = base64.b64decode("${picture}")`,
    `    answer = client.reconstruct(image${threshold})`,
    "    print(answer.anomaly_scores, answer.anomalies, answer.errors)",
    "    print(client.encode(image).codes)",
  ];
  const ofCode = [`    decoded = client.decode(np.array(${writeCode(shown.code ?? [])}))`, "    print(decoded.images)"];
  return [
    ...(picture ? ["import base64"] : []),
    ...(shown.wantsKey ? ["import os"] : []),
    ...(picture || shown.wantsKey ? [""] : []),
    ...(shown.code ? ["import numpy as np"] : []),
    "from service.client import Client",
    "",
    `with Client("${shown.url}"${key}) as client:`,
    ...(picture ? ofPicture : []),
    ...(shown.code ? ofCode : []),
  ].join("\n");
}

/** @param {Shown} shown */
function isChosen({ threshold, defaultThreshold }) {
  return threshold !== defaultThreshold;
}

/** @param {number[]} code */
function writeCode(code) {
  return `[${code.map((value) => Number(value.toFixed(DIGITS))).join(", ")}]`;
}
