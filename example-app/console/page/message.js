import { element as el } from './element.js';

/** Shows a request or response as text. The headers of `shownNames` come first, in that order. All others are folded. */
export function message(startLine, headers, shownNames, body, reveal) {
  const rankOf = ([name]) => shownNames.indexOf(name.toLowerCase());
  const shown = headers.filter((header) => rankOf(header) !== -1).sort((a, b) => rankOf(a) - rankOf(b));
  const folded = headers.filter((header) => rankOf(header) === -1);
  return el(
    'div',
    { className: 'message' },
    el('pre', {}, el('b', {}, startLine), ...shown.flatMap((header) => ['\n', headerLine(header, reveal)])),
    folded.length === 0
      ? undefined
      : el(
          'details',
          { className: 'more-headers' },
          el('summary', {}, `${folded.length} more header${folded.length === 1 ? '' : 's'}`),
          el(
            'pre',
            {},
            ...folded.flatMap((header, i) => (i === 0 ? [headerLine(header)] : ['\n', headerLine(header)])),
          ),
        ),
    body ? el('pre', { className: 'body' }, ...bodyText(body, reveal)) : undefined,
  );
}

const JSON_PART = /("(?:[^"\\]|\\.)*")(\s*:)?|[^"]+/g;

/** Formats a body if it is JSON. In other bodies, `reveal` replaces shortened tokens. */
export function bodyText(body, reveal = (text) => text) {
  let text = body;
  try {
    text = JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return [reveal(text)];
  }
  return [...text.matchAll(JSON_PART)].map(([all, string, colon]) =>
    colon === undefined ? all : el('span', {}, el('span', { className: 'name' }, string), colon),
  );
}

function headerLine([name, value], reveal) {
  const shown = reveal === undefined ? value : reveal(value);
  return el('span', {}, el('span', { className: 'name' }, `${name}: `), shown);
}
