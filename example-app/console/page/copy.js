import { byId } from './element.js';

const SHOWN_MS = 1500;

/** Makes a button copy a text, and say so. */
export function copiesOnClick(button, read) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(await read());
    button.textContent = 'Copied';
    byId('copied').textContent = 'It is in the clipboard.';
    setTimeout(() => {
      button.textContent = 'Copy';
      byId('copied').textContent = '';
    }, SHOWN_MS);
  });
}
