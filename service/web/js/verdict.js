/** What a score means: a sentence, and its place on the gauge. */

// Up to here the gauge is even; beyond it every nine more takes equal room: 90 %, 99 %, 99.9 %, 99.99 %.
const EVEN_SCORE = 0.9;
const EVEN_SHARE = 0.4;
const NINE_SHARE = 0.2;

/** A score from which a digit is called unusual. */
const UNUSUAL = 0.9;

/**
 * @param {number} score in [0, 1]
 * @returns {number} place on the gauge, in [0, 1]
 */
export function findGaugePlace(score) {
  if (score <= EVEN_SCORE) {
    return (score / EVEN_SCORE) * EVEN_SHARE;
  }
  const nines = -Math.log10(Math.max(1 - score, 1e-9)) - 1;
  return Math.min(EVEN_SHARE + nines * NINE_SHARE, 1);
}

/**
 * The score at a place of the gauge; the other way round.
 * @param {number} place in [0, 1]
 * @returns {number} rounded to what a reader can tell apart
 */
export function findScore(place) {
  if (place <= EVEN_SHARE) {
    return Number(((place / EVEN_SHARE) * EVEN_SCORE).toFixed(2));
  }
  const nines = 1 + (place - EVEN_SHARE) / NINE_SHARE;
  return Number((1 - 10 ** -nines).toFixed(4));
}

/**
 * @param {import("./codec.js").Verdict} verdict
 * @param {number} threshold
 * @returns {string}
 */
export function tellVerdict({ score, isAnomaly }, threshold) {
  if (isAnomaly) {
    return `Does not look like a clean digit: stranger than ${tellShare(score)} of normal ones; the threshold is ${tellShare(threshold)}.`;
  }
  if (score > UNUSUAL) {
    return `Looks like a digit, if an unusual one: stranger than ${tellShare(score)} of normal ones.`;
  }
  return `Looks like a clean digit: more usual than ${Math.floor(100 * (1 - score))} % of normal ones.`;
}

/**
 * Rounded down, so that nothing is called stranger than all.
 * @param {number} share in [0, 1]
 */
export function tellShare(share) {
  return `${floorTenThousandths(share) / 100} %`;
}

/**
 * Rounded in the same way.
 * @param {number} score in [0, 1]
 */
export function tellScore(score) {
  return (floorTenThousandths(score) / 1e4).toFixed(4);
}

/** @param {number} share what float32 makes of 0.99 lies a little below it */
function floorTenThousandths(share) {
  return Math.floor(1e4 * share + 1e-3);
}
