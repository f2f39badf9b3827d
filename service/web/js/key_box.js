/** The field for a key; it is kept until the tab is closed. */

const KEPT = "digitcodec-key";

/**
 * @param {(id: string) => HTMLElement} find
 * @param {(key: string) => void} onKey hears of every new key, which may be empty
 * @returns {string} the key that was kept, or nothing
 */
export function takeKey(find, onKey) {
  const field = find("key");
  field.value = sessionStorage.getItem(KEPT) ?? "";
  find("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEPT, field.value.trim());
    onKey(field.value.trim());
  });
  return field.value;
}
