import { element } from './element.js';

const TICK_MS = 100;

/** What is left of a remembered answer, as a bar that runs down. It ends with its element. */
export function countdown(askedAt, until) {
  const text = element('span');
  const bar = element('progress', { max: Math.max(1, until - askedAt), 'aria-label': 'What is left of its life' });
  const show = () => {
    const left = Math.max(0, until - Date.now());
    bar.value = left;
    text.textContent =
      left > 0
        ? `The answer is kept for another ${(left / 1000).toFixed(1)} s.`
        : 'The answer has had its time: the next request asks.';
    return left > 0;
  };
  show();
  const timer = setInterval(() => {
    if (!show() || (!bar.isConnected && Date.now() > askedAt + TICK_MS * 20)) clearInterval(timer);
  }, TICK_MS);
  return element('div', { className: 'countdown' }, element('p', {}, text), bar);
}
