/** The sample images: buttons with a picture. */

const SAMPLES = {
  zero: "a 0", one: "a 1", two: "a 2", three: "a 3", four: "a 4", five: "a 5", six: "a 6", seven: "a 7",
  eight: "an 8", nine: "a 9", noisy: "a noisy 3", letter: "a letter", scribble: "a scribble",
};

/**
 * @param {HTMLElement} shelf holds the buttons
 * @param {(file: File, name: string) => void} onTake
 * @returns {(key: string) => Promise<void>} takes a sample by its key
 */
export function offerSamples(shelf, onTake) {
  const take = async (key) => {
    const answer = await fetch(findUrl(key)).catch(() => null);
    if (answer?.ok) {
      onTake(new File([await answer.blob()], `${key}.png`, { type: "image/png" }), SAMPLES[key]);
    }
  };
  shelf.replaceChildren(...Object.keys(SAMPLES).map((key) => buildButton(key, () => take(key))));
  return take;
}

/** @param {string} key */
function findUrl(key) {
  return new URL(`../samples/${key}.png`, import.meta.url).href;
}

/**
 * @param {string} key
 * @param {() => void} onClick
 */
function buildButton(key, onClick) {
  const picture = document.createElement("img");
  picture.src = findUrl(key);
  picture.alt = `Sample: ${SAMPLES[key]}`;
  picture.width = picture.height = 28;
  const button = document.createElement("button");
  button.type = "button";
  button.title = SAMPLES[key];
  button.append(picture);
  button.addEventListener("click", onClick);
  return button;
}
