/** Files that come by the button, by dropping them anywhere on the page, or from the clipboard. */

/**
 * @param {HTMLInputElement} input of type file
 * @param {(files: File[]) => void} onFiles
 */
export function takeFiles(input, onFiles) {
  const give = (list) => list?.length && onFiles([...list]);
  input.addEventListener("change", () => {
    give(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => give(event.clipboardData?.files));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    give(event.dataTransfer?.files);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
}

/** @param {boolean} isOver whether something is held above the page */
function mark(isOver) {
  document.body.classList.toggle("dropping", isOver);
}
