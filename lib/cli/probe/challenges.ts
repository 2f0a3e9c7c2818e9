/** One challenge of `WWW-Authenticate` (RFC 9110 section 11.6.1). Scheme and names of parameters are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SEPARATORS = /[ \t]*(?:,[ \t]*)*/y;
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))(?=[ \\t]*(?:,|$))`, 'y');
const SCHEME = new RegExp(`(${TOKEN})(?: +|(?=[ \\t]*(?:,|$)))`, 'y');
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/** Parses the values of `WWW-Authenticate`. Returns `undefined` if one is malformed, or if a challenge names a parameter twice. */
export function parseChallenges(values: readonly string[]): readonly Challenge[] | undefined {
  const text = values.join(', ');
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(text) ?? undefined;
    if (found !== undefined) position = pattern.lastIndex;
    return found;
  };

  for (match(SEPARATORS); position < text.length; match(SEPARATORS)) {
    const current = challenges.at(-1);
    const parameter = current && match(PARAMETER);
    if (current !== undefined && parameter !== undefined) {
      const [, name = '', quoted, token] = parameter;
      if (current.parameters.has(name.toLowerCase())) return undefined;
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
      continue;
    }
    const [, scheme] = match(SCHEME) ?? [];
    if (scheme === undefined) return undefined;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    // A parameter after the scheme is read by the next step of this loop.
    PARAMETER.lastIndex = position;
    if (!PARAMETER.test(text)) match(TOKEN68);
  }
  return challenges;
}
