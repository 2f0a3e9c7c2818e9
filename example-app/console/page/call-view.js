import { byId, element } from './element.js';
import { requestDetails } from './request-details.js';
import { createResult } from './result.js';
import { summarize } from './summary.js';
import { clockTime } from './time.js';

/** Shows one request to the API in detail: the last one of this page, or one selected in the list. */
export function createCallView() {
  const result = createResult(byId('wire'));
  let shown;
  let showsWholeToken = false;

  /** @param sentHere the token, and the response as the browser received it, if this page sent the request */
  function show(entry, sentHere) {
    shown = { entry, sentHere };
    const { status, text, ms } = summarize(entry);
    const [method, path] = entry.requestLine.split(' ');
    byId('summary').replaceChildren(
      element('span', { className: 'status', data: { kind: String(status)[0] } }, String(status)),
      element('span', { className: 'what' }, element('code', {}, `${method} ${path}`), ` in ${ms} ms. ${text}`),
    );
    const toggle = element(
      'button',
      {
        type: 'button',
        className: 'quiet reveal',
        'aria-pressed': String(showsWholeToken),
        hidden: sentHere?.token === undefined,
      },
      'Show the whole token',
    );
    toggle.addEventListener('click', () => {
      showsWholeToken = !showsWholeToken;
      show(entry, sentHere);
      byId('request-details').querySelector('.reveal').focus();
    });
    const reveal = (text) =>
      showsWholeToken && sentHere?.token !== undefined
        ? text.replaceAll(shortenToken(sentHere.token), sentHere.token)
        : text;
    byId('request-details').replaceChildren(toggle, ...requestDetails(entry, sentHere?.response, reveal));
  }

  return {
    /** Shows a request of this page and its response. */
    async showCall(request, response, body) {
      const id = response.headers.get('x-request-id');
      const received = { reason: response.statusText, headers: [...response.headers], body };
      const token = request.headers.Authorization?.split(' ')[1];
      show(await (await fetch(`/console/requests/${id}`)).json(), { response: received, token });
      result.setCurrent();
      const { top } = byId('wire').getBoundingClientRect();
      if (top < 0 || top > innerHeight * 0.7) byId('wire').scrollIntoView();
    },
    /** Shows a request of the list. */
    async select(id) {
      const response = await fetch(`/console/requests/${id}`);
      if (!response.ok) return;
      const entry = await response.json();
      show(entry, shown?.entry.id === id ? shown.sentHere : undefined);
      result.setCurrent(`Selected in the list: a request sent at ${clockTime(entry.startedAt)}.`);
      byId('wire-heading').focus();
    },
    markOutdated: result.markOutdated,
  };
}

/** Shortens a token in the same way as the server, which does not send whole tokens to the page. */
function shortenToken(token) {
  return `${token.slice(0, 6)}…${token.slice(-4)}`;
}
