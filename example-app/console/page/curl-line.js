import { curlOf } from './curl.js';
import { byId, element } from './element.js';

/**
 * Puts a button beside each of the page's that shows the curl line which does the same.
 *
 * @returns what brings the open ones up to date
 */
export function addCurlLines(actions) {
  const refreshers = Object.entries(actions).map(([id, action]) => {
    const container = document.querySelector(`[data-action=${id}]`);
    const label = container.querySelector('button').textContent;
    const code = element('code', { id: `curl-code-${id}` });
    const note = element(
      'p',
      { className: 'note', hidden: true },
      'Its proof is good for one request, within a minute. Copy makes another.',
    );
    const copy = element(
      'button',
      { type: 'button', className: 'quiet', 'aria-label': `Copy the curl line of: ${label}` },
      'Copy',
    );
    const panel = element(
      'div',
      { id: `curl-${id}`, className: 'curl', hidden: true },
      element('pre', {}, code),
      copy,
      note,
    );
    const toggle = element(
      'button',
      {
        type: 'button',
        className: 'quiet toggle',
        'aria-expanded': 'false',
        'aria-controls': panel.id,
        'aria-label': `curl line of: ${label}`,
      },
      'curl',
    );
    container.append(toggle, panel);

    async function refresh() {
      if (panel.hidden) return;
      const isPossible =
        action.isPossible === undefined || !id.match(/^(?:revoke|alter|refresh|call)$/) || action.isPossible();
      const order = isPossible ? await action.order() : undefined;
      code.textContent = order === undefined ? 'Get a token first.' : curlOf(order);
      copy.hidden = order === undefined;
      note.hidden = order?.headers?.DPoP === undefined;
    }

    toggle.addEventListener('click', async () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute('aria-expanded', String(!panel.hidden));
      await refresh();
    });
    copy.addEventListener('click', async () => {
      await refresh();
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = 'Copied';
      byId('copied').textContent = 'The curl line is in the clipboard.';
      setTimeout(() => {
        copy.textContent = 'Copy';
        byId('copied').textContent = '';
      }, 1500);
    });
    return refresh;
  });
  return () => Promise.all(refreshers.map((refresh) => refresh()));
}
