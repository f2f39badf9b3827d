/** Pictures of 28x28 pixels: bytes, base64, and on a canvas. Ink is bright on dark, 0 to 255. */

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;

// As ITU-R BT.601 weighs colours, and the service does.
const LUMA = [0.299, 0.587, 0.114];

/**
 * @param {string} text base64
 * @returns {Uint8Array}
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/**
 * Paint a picture, or nothing but background.
 * @param {HTMLCanvasElement} canvas of 28x28 pixels
 * @param {?Uint8Array} pixels 784 bytes
 */
export function paintGrey(canvas, pixels) {
  paint(canvas, (place) => {
    const grey = pixels ? pixels[place] : 0;
    return [grey, grey, grey];
  });
}

/**
 * Paint where two pictures differ: orange where the second has less ink, blue where it has more; as bright as the root
 * of the difference, for small ones could not be seen.
 * @param {HTMLCanvasElement} canvas of 28x28 pixels
 * @param {?Uint8Array} image 784 bytes
 * @param {?Uint8Array} reconstruction 784 bytes
 */
export function paintDifference(canvas, image, reconstruction) {
  paint(canvas, (place) => {
    const lost = image && reconstruction ? image[place] - reconstruction[place] : 0;
    const light = Math.sqrt(255 * Math.abs(lost));
    return lost > 0 ? [light, 0.6 * light, 0.1 * light] : [0.2 * light, 0.6 * light, light];
  });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {(place: number) => number[]} colour red, green and blue of a pixel
 */
function paint(canvas, colour) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(SIDE, SIDE);
  for (let place = 0; place < PIXELS; place += 1) {
    picture.data.set([...colour(place), 255], 4 * place);
  }
  context.putImageData(picture, 0, 0);
}

/**
 * The pixels of a picture file that has 28x28 of them.
 * @param {Blob} file
 * @returns {Promise<?Uint8Array>} 784 bytes; null for other sizes, and for what this browser cannot read
 */
export async function readDigit(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap?.width !== SIDE || bitmap.height !== SIDE) {
    return null;
  }
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
  context.fillRect(0, 0, SIDE, SIDE); // black, as the service has it behind what is transparent
  context.drawImage(bitmap, 0, 0);
  return toGrey(context.getImageData(0, 0, SIDE, SIDE).data);
}

/**
 * @param {Uint8ClampedArray} colours red, green, blue and opacity of each pixel
 * @returns {Uint8Array} one byte a pixel
 */
function toGrey(colours) {
  return Uint8Array.from({ length: colours.length / 4 }, (_, place) =>
    Math.round(LUMA.reduce((sum, weight, channel) => sum + weight * colours[4 * place + channel], 0)),
  );
}
