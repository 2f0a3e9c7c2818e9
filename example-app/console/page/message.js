import { element as el } from './element.js';

/** A request or a response as text. The headers that matter come first; the others are folded away. */
export function message(line, headers, telling, body, reveal) {
  const rankOf = ([name]) => telling.indexOf(name.toLowerCase());
  const shown = headers.filter((header) => rankOf(header) !== -1).sort((a, b) => rankOf(a) - rankOf(b));
  const rest = headers.filter((header) => rankOf(header) === -1);
  return el(
    'div',
    { className: 'message' },
    el('pre', {}, el('b', {}, line), ...shown.flatMap((header) => ['\n', headerLine(header, reveal)])),
    rest.length === 0
      ? undefined
      : el(
          'details',
          { className: 'rest' },
          el('summary', {}, `${rest.length} more header${rest.length === 1 ? '' : 's'}`),
          el('pre', {}, ...rest.flatMap((header, i) => (i === 0 ? [headerLine(header)] : ['\n', headerLine(header)]))),
        ),
    body ? el('pre', { className: 'body' }, ...bodyText(body, reveal)) : undefined,
  );
}

const JSON_PART = /("(?:[^"\\]|\\.)*")(\s*:)?|[^"]+/g;

/** A body, laid out if it is JSON. `reveal` replaces shortened tokens in other bodies. */
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
