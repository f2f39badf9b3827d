/** Shows the snippets and copies them. */

import { Newest } from "./newest.js";
import { writeSnippets } from "./snippets.js";

const COPIED_MS = 1500;

export class SnippetPanel {
  #writing = new Newest((shown) => this.#write(shown));

  /** @param {Record<"curl"|"python", {text: HTMLElement, copy: HTMLButtonElement}>} places */
  constructor(places) {
    this.places = places;
    for (const { text, copy } of Object.values(places)) {
      copy.addEventListener("click", () => copyText(text, copy));
    }
  }

  /** @param {import("./snippets.js").Shown} shown */
  show(shown) {
    this.#writing.ask(shown);
  }

  /** @param {import("./snippets.js").Shown} shown */
  async #write(shown) {
    const snippets = await writeSnippets(shown);
    for (const [name, { text }] of Object.entries(this.places)) {
      text.textContent = snippets[name];
    }
  }
}

/**
 * @param {HTMLElement} text
 * @param {HTMLButtonElement} button
 */
async function copyText(text, button) {
  const label = button.textContent;
  button.textContent = await navigator.clipboard.writeText(text.textContent).then(
    () => "Copied",
    () => selectText(text), // without TLS, or where it was forbidden
  );
  setTimeout(() => (button.textContent = label), COPIED_MS);
}

/** @param {HTMLElement} text */
function selectText(text) {
  getSelection().selectAllChildren(text);
  return "Selected: press Ctrl+C";
}
