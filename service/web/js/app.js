/** Puts the page together: what the visitor does goes to the desks, what they answer goes to the panels. */

import { CodeDesk } from "./code_desk.js";
import { readPicture } from "./codec.js";
import { CodePanel } from "./code_panel.js";
import { FilesRun } from "./files_run.js";
import { FilesTable } from "./files_table.js";
import { inkStrokes } from "./ink.js";
import { takeFiles } from "./intake.js";
import { takeKey } from "./key_box.js";
import { Live } from "./live.js";
import { MapPanel } from "./map_panel.js";
import { NoiseBox } from "./noise_box.js";
import { Notice } from "./notice.js";
import { Pad } from "./pad.js";
import { paintGrey } from "./pixels.js";
import { Presence } from "./presence.js";
import { offerSamples } from "./samples.js";
import { Screen } from "./screen.js";
import { Service } from "./service.js";
import { SnippetPanel } from "./snippet_panel.js";
import { switchThemes } from "./theme.js";
import { takeThreshold } from "./threshold_box.js";

const FIRST_SAMPLE = "seven";

/** @param {string} id */
const find = (id) => document.getElementById(id);

const service = new Service(new URL(".", document.baseURI));
const screen = new Screen(find);
const notice = new Notice(find("notice"), find("state"));
const presence = new Presence(service, { onAway: (error) => notice.tell(error), onBack: () => askAll() });
const pad = new Pad(find("pad"), examineInk);
const live = new Live(service, { onSeen: showSeen, onAnswer: showAnswer, onFailure: meet, onBusy: mark("result") });
const desk = new CodeDesk(service, {
  onCode: (code, isOwn) => panel.show(code, isOwn),
  onDrawn: showDecoded,
  onFailure: meet,
  onBusy: mark("desk"),
});
const panel = new CodePanel(find("code"), find("number"), editByHand);
const map = new MapPanel(service, { canvas: find("map"), lens: find("lens"), told: find("map-told") }, editOnMap);
const table = new FilesTable(find("files"), { onLook: examineOne, onEmpty: () => run.forget() });
const run = new FilesRun(service, () => live.threshold, { onRow: (row) => table.update(row), onFailure: meet });
const snippets = new SnippetPanel({
  curl: { text: find("curl"), copy: find("copy-curl") },
  python: { text: find("python"), copy: find("copy-python") },
});

let defaultThreshold = live.threshold;
/** @type {?Uint8Array} */
let decoded = null;
/** @type {?File} a picture on its way, or one that came while the service was away */
let unexamined = null;

/**
 * What tells screen readers that a part of the page is about to change.
 * @param {string} id
 */
function mark(id) {
  return (/** @type {boolean} */ isBusy) => find(id).setAttribute("aria-busy", String(isBusy));
}

/** @param {?Uint8Array} pixels */
function showSeen(pixels) {
  screen.showSeen(pixels);
  showSnippets();
}

/**
 * @param {Uint8Array} pixels
 * @param {import("./codec.js").Answer} answer
 */
function showAnswer(pixels, answer) {
  notice.clear();
  screen.showAnswer(pixels, answer, live.threshold);
  desk.setOwn(answer.code);
  map.land(answer.code);
  paintDecoded(answer.reconstruction);
  showSnippets();
}

/**
 * @param {Uint8Array} pixels
 * @param {number} ms
 */
function showDecoded(pixels, ms) {
  paintDecoded(pixels);
  screen.showTimes({ decode: ms });
}

/** @param {Uint8Array} pixels */
function paintDecoded(pixels) {
  decoded = pixels;
  paintGrey(find("decoded"), pixels);
  paintGrey(find("lens"), pixels);
}

/** @param {number[]} code */
function editByHand(code) {
  desk.edit(code);
  map.land(code);
  showSnippets();
}

/** @param {number[]} code */
function editOnMap(code) {
  desk.edit(code);
  showSnippets();
}

function showSnippets() {
  snippets.show({
    url: service.base.href.replace(/\/$/, ""),
    wantsKey: service.key !== "",
    threshold: live.threshold,
    defaultThreshold,
    pixels: live.seen,
    code: desk.edited,
  });
}

/**
 * A failure of the service; what passes is waited for.
 * @param {Error} error
 */
function meet(error) {
  notice.tell(error);
  if (error.isPassing) {
    presence.report(error);
  }
}

/** @param {File[]} files one picture is shown, many become a table, a map is taken for the model's */
async function takeIn(files) {
  const pictures = files.filter((file) => !file.name.endsWith(".json"));
  for (const file of files.filter((each) => !pictures.includes(each))) {
    await map.take(file).catch(meet);
  }
  if (pictures.length === 1) {
    await examineOne(pictures[0]);
  } else if (pictures.length) {
    const rows = pictures.map((file) => ({ file, answer: null, problem: "" }));
    table.add(rows);
    run.add(rows);
  }
}

/** @param {File} file a picture of any size; while the service is away it waits, unless something newer comes */
async function examineOne(file) {
  unexamined = file;
  try {
    const { pixels, note } = await readPicture(service, file);
    if (unexamined === file) {
      showImage(pixels);
      find("note").textContent = note && `${file.name}: ${note}.`;
    }
  } catch (error) {
    if (unexamined === file && !error.isPassing) {
      unexamined = null;
    }
    meet(error);
  }
}

/** @param {Uint8Array} pixels */
function showImage(pixels) {
  forget();
  pad.show(pixels);
  live.setImage(pixels);
}

/** Something else has taken the place of a file. */
function forget() {
  unexamined = null;
  find("note").textContent = "";
}

/** @param {import("./ink.js").Stroke[]} strokes */
function examineInk(strokes) {
  forget();
  live.setImage(strokes.length ? inkStrokes(strokes, pad.side) : null);
}

/** Who answers, and whether the map is of that model. */
async function askModel() {
  const { response } = await service.ask("models");
  const model = (await response.json()).models[0];
  const version = model.versions.find((each) => each.state === "AVAILABLE");
  notice.setModel(`${model.name} ${version?.version ?? ""}`, version?.code_dim);
  defaultThreshold = model.default_threshold;
  await map.check();
}

/** Everything once more: the service has come back, with another model perhaps, to which a code says nothing. */
async function askAll() {
  notice.clear();
  try {
    await askModel();
    live.again();
    if (unexamined) {
      await examineOne(unexamined);
    }
  } catch (error) {
    meet(error);
  }
}

/** @param {number} threshold in [0, 1] */
function setThreshold(threshold) {
  live.setThreshold(threshold);
  screen.showThreshold(threshold);
}

async function start() {
  switchThemes(find("theme"));
  takeThreshold(find("threshold"), live.threshold, setThreshold);
  screen.showThreshold(live.threshold);
  new NoiseBox(find, (noise) => live.setNoise(noise));
  find("clear").addEventListener("click", () => pad.clear());
  find("reset").addEventListener("click", () => live.again());
  find("use").addEventListener("click", () => decoded && showImage(decoded));
  takeFiles(find("choose"), takeIn);
  const take = offerSamples(find("samples"), examineOne);
  service.key = takeKey(find, (key) => {
    service.key = key;
    askAll();
  });
  await map.load();
  await take(FIRST_SAMPLE);
  await askModel().catch(meet);
}

start();
