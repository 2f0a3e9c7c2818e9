import { byId } from './element.js';

const SHOWN_MS = 1500;

/** Makes a button copy a text to the clipboard. The button shows "Copied" for 1.5 seconds. */
export function copyOnClick(button, readText) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(await readText());
    button.textContent = 'Copied';
    byId('copied').textContent = 'Copied to the clipboard.';
    setTimeout(() => {
      button.textContent = 'Copy';
      byId('copied').textContent = '';
    }, SHOWN_MS);
  });
}
