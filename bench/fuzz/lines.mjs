// Inputs that have several parts: each part before the last is one line.

/** Returns the first lines of an input and, as the last item, all that follows them. Missing parts are empty. */
export function linesOf(bytes, count) {
  const parts = Buffer.from(bytes).toString('utf8').split('\n');
  const lines = Array.from({ length: count }, (_, index) => parts[index] ?? '');
  return [...lines, parts.slice(count).join('\n')];
}

export function textWithLines(...lines) {
  return Buffer.from(lines.join('\n'));
}

/** Adds the members of a JSON object to a valid object, and returns its JSON. Any other text adds nothing. */
export function merged(text, valid) {
  try {
    return JSON.stringify({ ...valid, ...JSON.parse(text) });
  } catch {
    return JSON.stringify(valid);
  }
}
