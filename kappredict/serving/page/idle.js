// A page left alone clears itself, after a warning that can be answered.

import { find } from "./dom.js";
import { said } from "./words.js";

const QUIET = 15 * 60,
  WARNING = 120;

// Watch for use; `clear` forgets everything when nobody answers.
export function watch(clear) {
  const dialog = find("leaving");
  let since = Date.now();
  const used = () => {
    if (!dialog.open) since = Date.now();
  };
  for (const kind of ["keydown", "pointerdown", "input", "scroll"])
    document.addEventListener(kind, used, { passive: true, capture: true });
  find("stay").addEventListener("click", () => {
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    since = Date.now();
  });
  setInterval(() => {
    const left = Math.ceil(QUIET - (Date.now() - since) / 1000);
    if (left > WARNING) return;
    if (left <= 0) {
      dialog.close();
      clear();
      return;
    }
    // Said once: a voice that counts down the seconds would not let anyone think.
    if (!dialog.open) {
      find("leaving-text").textContent = said.leaving(left);
      dialog.showModal();
    }
  }, 1000);
}
