/** The panel of the map: loads the one that lies beside this page, and shows it only if it is of the model that answers. */

import { encode } from "./codec.js";
import { CodeMap } from "./code_map.js";
import { MapView } from "./map_view.js";

const SHIPPED = new URL("../code_map.json", import.meta.url);
const OF_ANOTHER =
  "This map is of another model or version. Make one with python -m training map, and drop the file on this page.";

export class MapPanel {
  /** @type {?CodeMap} the map that is shown */
  #map = null;
  /** @type {?CodeMap} the last one that came, shown or not */
  #offered = null;
  /** @type {?ArrayLike<number>} */
  #code = null;

  /**
   * @param {import("./service.js").Service} service
   * @param {{canvas: HTMLCanvasElement, lens: HTMLElement, told: HTMLElement}} places
   * @param {(code: number[]) => void} onPick hears the codes of places that the pointer passes
   */
  constructor(service, { canvas, lens, told }, onPick) {
    this.service = service;
    this.told = told;
    this.onPick = onPick;
    this.view = new MapView(canvas, lens, (place) => this.#pick(place));
  }

  /** Fetch the map of the default model; it is shown by the next check. */
  async load() {
    const answer = await fetch(SHIPPED).catch(() => null);
    if (answer?.ok) {
      this.#offered = new CodeMap(await answer.json());
    }
  }

  /**
   * Take a map that somebody made of his own model.
   * @param {File} file
   */
  async take(file) {
    try {
      this.#offered = new CodeMap(JSON.parse(await file.text()));
    } catch {
      this.told.textContent = `${file.name} is no map as python -m training map writes it.`;
      return;
    }
    await this.check();
  }

  /** Whether the map that came last is of the model that answers now; whoever calls hears of failures that pass. */
  async check() {
    if (!this.#offered) {
      return;
    }
    const code = await encode(this.service, this.#offered.witness.image);
    const isOwn = this.#offered.isOf(code);
    this.#map = isOwn ? this.#offered : null;
    this.view.show(this.#map);
    this.told.textContent = isOwn ? this.#describe() : OF_ANOTHER;
    if (this.#code) {
      this.land(this.#code);
    }
  }

  /** @param {ArrayLike<number>} code what is on screen */
  land(code) {
    this.#code = code;
    if (this.#map) {
      this.view.mark(this.#map.land(code));
    }
  }

  /** @param {import("./code_map.js").Place} place */
  #pick(place) {
    const names = this.#map.nameAround(place);
    this.told.textContent = names.length ? `Around here lie digits ${names.join(", ")}.` : this.#describe();
    this.onPick(this.#map.pick(place));
  }

  #describe() {
    const { size, data, projection } = this.#map;
    return `${size.toLocaleString("en")} test digits of ${data.name} by their codes (${projection}). The ring is yours. Drag across: the decoder draws what lies between.`;
  }
}
