import fc from 'fast-check';
import { AuthError } from '../../lib/core/errors.js';
import { parseAuthorizationHeader } from '../../lib/credentials/headers.js';

const readBearer = (value: string | undefined) =>
  value === undefined ? undefined : parseAuthorizationHeader(value, false)?.token;

import { requireB64Token } from '../../lib/credentials/token.js';

const B64_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/';

const SCHEME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

const token = fc
  .tuple(fc.array(fc.constantFrom(...B64_CHARACTERS), { minLength: 1, maxLength: 200 }), fc.integer({ min: 0, max: 4 }))
  .map(([characters, padding]) => characters.join('') + '='.repeat(padding));

const scheme = fc
  .array(fc.boolean(), { minLength: 6, maxLength: 6 })
  .map((upper) => [...'bearer'].map((letter, i) => (upper[i] ? letter.toUpperCase() : letter)).join(''));

const spaces = fc.integer({ min: 1, max: 20 }).map((count) => ' '.repeat(count));

/** Strings near the grammar, so that its edge cases occur. */
const nearly = fc
  .array(fc.oneof(scheme, token, spaces, fc.constantFrom(',', '=', '\t', '"', ':', '\n', 'ß', '^', ''), fc.string()), {
    maxLength: 5,
  })
  .map((parts) => parts.join(''));

/** The same grammar, checked character by character instead of by a pattern. */
function expected(value: string): string | undefined {
  const rest = [...value];
  const name = rest.splice(0, 6).join('');
  if (name.toLowerCase() !== 'bearer') return undefined;
  if (rest[0] !== undefined && rest[0] !== ' ') {
    return SCHEME_CHARACTERS.includes(rest[0]) ? undefined : 'malformed_credentials';
  }
  while (rest[0] === ' ') rest.shift();
  const text = rest.join('');
  const unpadded = [...text];
  while (unpadded.at(-1) === '=') unpadded.pop();
  const wellFormed = unpadded.length > 0 && unpadded.every((character) => B64_CHARACTERS.includes(character));
  return wellFormed ? text : 'malformed_credentials';
}

/** Reads and checks a token, as the middleware does before it asks the endpoint. */
function tokenOf(value: string): string | undefined {
  const found = readBearer(value);
  if (found !== undefined) requireB64Token(found);
  return found;
}

function outcomeOf(value: string): string | undefined {
  try {
    return tokenOf(value);
  } catch (error) {
    if (error instanceof AuthError) return error.reason;
    throw error;
  }
}

describe('any Authorization header', () => {
  it('yields the exact token, whatever the case of the scheme and the number of spaces', () => {
    fc.assert(
      fc.property(scheme, spaces, token, (name, gap, value) => {
        expect(readBearer(name + gap + value)).toBe(value);
        expect(tokenOf(name + gap + value)).toBe(value);
      }),
    );
  });

  it('is a token, another scheme, or malformed, as the grammar says', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary' })), (value) => {
        expect(outcomeOf(value)).toBe(expected(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('is rejected by a message that repeats nothing of it', () => {
    fc.assert(
      fc.property(token, fc.constantFrom(' ', ',', '"', '\t', 'é'), token, (first, separator, second) => {
        expect(() => tokenOf(`Bearer ${first}${separator}${second}`)).toThrow(
          expect.objectContaining({
            message: 'The request must carry exactly one well-formed bearer token',
            headers: {},
            scopes: [],
          }),
        );
      }),
    );
  });
});
