/** Light, dark, or as the system has it; kept for the next visit. */

const NAMES = ["system", "light", "dark"];
const KEPT = "digitcodec-theme";

/** @param {HTMLButtonElement} button goes round the three */
export function switchThemes(button) {
  const kept = localStorage.getItem(KEPT);
  let name = NAMES.includes(kept) ? kept : NAMES[0];
  const show = () => {
    document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
  };
  button.addEventListener("click", () => {
    name = NAMES[(NAMES.indexOf(name) + 1) % NAMES.length];
    localStorage.setItem(KEPT, name);
    show();
  });
  show();
}
