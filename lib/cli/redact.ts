import type { Report } from './render.js';

/** The text that replaces a secret. */
const HIDDEN = '…';

/**
 * A secret of at least this many characters is replaced everywhere, also within words. A shorter secret is replaced only as a whole word,
 * because ordinary words may contain it.
 */
const MIN_PART_LENGTH = 8;

/** Text that may be base64 in either alphabet (RFC 4648 sections 4 and 5). */
const BASE64 = /[A-Za-z0-9+/_-]{4,}={0,2}/g;

const READABLE = /^[\x20-\x7e]+$/;

/** Claim names of RFC 7662 section 2.2 and of other RFCs. These names are never redacted, because the server did not choose them. */
const STANDARD_NAMES: ReadonlySet<string> = new Set([
  'active',
  'scope',
  'client_id',
  'username',
  'token_type',
  'exp',
  'iat',
  'nbf',
  'sub',
  'aud',
  'iss',
  'jti',
  'cnf',
  'acr',
  'amr',
  'auth_time',
  'authorization_details',
]);

/**
 * Returns the report with secrets replaced. Only texts that the server sent are searched, because the server may repeat secrets of the
 * request. Texts of the command itself are never replaced, even if they equal a secret.
 *
 * @param isDiscovered whether the endpoint's URL comes from the server's metadata; then the URL is searched too
 */
export function withoutSecrets(report: Report, secrets: ReadonlySet<string>, isDiscovered: boolean): Report {
  const { configuration, token } = report;
  const { endpoint, methodsSupported } = configuration;
  const redact = createRedaction(secrets);
  return {
    configuration: {
      ...configuration,
      endpoint: isDiscovered && endpoint !== undefined ? redact(endpoint) : endpoint,
      methodsSupported: methodsSupported?.map(redact),
    },
    token: token && {
      ...token,
      received: token.received && redact(token.received),
      auth: token.auth && (redactNested(token.auth, redact) as typeof token.auth),
    },
  };
}

type Redact = (text: string) => string;

function createRedaction(secrets: ReadonlySet<string>): Redact {
  const spellings = new Set([...secrets].filter(Boolean).flatMap(spellingsOf));
  if (spellings.size === 0) return (text) => text;
  // Longest first, because one secret may be part of another.
  const patterns = [...spellings].sort((a, b) => b.length - a.length).map(patternOf);
  const pattern = new RegExp(patterns.join('|'), 'gu');
  const long = [...spellings]
    .filter((spelling) => spelling.length >= MIN_PART_LENGTH)
    .map((spelling) => new RegExp(patternOf(spelling), 'u'));

  /**
   * Whether a base64 text contains an encoded secret. A secret that is shorter than 8 characters counts only if the whole decoded text is
   * readable, because random text sometimes decodes to a short secret.
   */
  function encodesSecret(base64: string): boolean {
    const [whole = '', ...behindSomething] = [0, 1, 2, 3].map((start) => decode(base64.slice(start)));
    if (READABLE.test(whole) && whole.search(pattern) !== -1) return true;
    return [whole, ...behindSomething].some((text) => long.some((secret) => secret.test(text)));
  }

  return (text) => text.replace(pattern, HIDDEN).replace(BASE64, (part) => (encodesSecret(part) ? HIDDEN : part));
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** Returns all forms in which a text may contain the secret: unencoded, and encoded for a URL, a form and JSON. */
function spellingsOf(secret: string): string[] {
  const inUrl = encodeURIComponent(Buffer.from(secret).toString());
  const inForm = new URLSearchParams([['', secret]]).toString().slice('='.length);
  const inJson = JSON.stringify(secret).slice(1, -1);
  const withSlashes = inJson.replaceAll('/', '\\/');
  return [secret, inUrl, strictly(inUrl), inForm, inJson, withSlashes, inAscii(inJson), inAscii(withSlashes)];
}

/** Encodes the characters in a URL-encoded text that RFC 3986 reserves, but `encodeURIComponent()` leaves unencoded. */
function strictly(inUrl: string): string {
  return inUrl.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Escapes every character that is not printable ASCII, as some servers do in JSON. */
function inAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function patternOf(spelling: string): string {
  const literal = spelling
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/%[0-9A-Fa-f]{2}|\\\\u[0-9a-f]{4}/g, (code) => code.replace(/[A-Fa-f](?=[0-9A-Fa-f]*$)/g, inAnyCase));
  return spelling.length < MIN_PART_LENGTH ? `(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])` : literal;
}

function inAnyCase(digit: string): string {
  return `[${digit.toLowerCase()}${digit.toUpperCase()}]`;
}

/**
 * Returns a value with secrets replaced in its texts, numbers and names, at every level. Recursion is safe, because claims are at most 32
 * levels deep.
 */
function redactNested(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number') return redact(String(value)) === String(value) ? value : HIDDEN;
  if (Array.isArray(value)) return value.map((item) => redactNested(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      STANDARD_NAMES.has(name) ? name : redact(name),
      redactNested(member, redact),
    ]),
  );
}
