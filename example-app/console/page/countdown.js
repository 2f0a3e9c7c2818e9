import { element } from './element.js';

const TICK_MS = 100;

/** A bar that shows how long a cached response remains in the cache. It stops when its element is removed. */
export function countdown(askedAt, until) {
  const text = element('span');
  const bar = element('progress', { max: Math.max(1, until - askedAt), 'aria-label': 'Time left in the cache' });
  const show = () => {
    const left = Math.max(0, until - Date.now());
    bar.value = left;
    text.textContent =
      left > 0
        ? `The introspection response stays in the cache for another ${(left / 1000).toFixed(1)} s.`
        : 'The cached response has expired. The next API request causes a new introspection request.';
    return left > 0;
  };
  show();
  const timer = setInterval(() => {
    if (!show() || (!bar.isConnected && Date.now() > askedAt + TICK_MS * 20)) clearInterval(timer);
  }, TICK_MS);
  return element('div', { className: 'countdown' }, element('p', {}, text), bar);
}
