import fc from 'fast-check';
import { byHost, byIssuer, byPathSegment, byTokenPrefix } from '../../lib/selectors/index.js';
import { jwtOf, requestOf } from '../support/selections.js';

const LIST = ['acme', 'beta', undefined];

/** An outcome counts as met when at least so many of 1000 cases have it. */
const MIN_CASES = 5;

const HOSTS = { 'acme.example.com': 'acme', '[::1]': 'beta' } as const;
const SEGMENTS = { acme: 'acme', beta: 'beta' } as const;
const PREFIXES = { acme_: 'acme', acme_b: 'beta' } as const;
const ISSUERS = { 'https://acme.example': 'acme', 'https://beta.example': 'beta' } as const;

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'acme'));
/** Arbitrary text, or text made of the given pieces, so that many values are nearly valid. */
const textOf = (...pieces: string[]) =>
  fc.oneof(
    text,
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join('')),
  );
const anyPath = textOf(
  '/',
  'acme',
  'beta',
  '.',
  '%2e',
  '%2F',
  '\\',
  '?',
  '#',
  'http://',
  'acme.example.com',
  '@',
  ':',
  '//',
);
/** Well-formed targets with listed segments, and with segments that only resemble them. */
const nearPath = fc
  .tuple(
    fc.constantFrom('', '', 'http://acme.example.com', 'http://[::1]'),
    fc.array(fc.constantFrom('acme', 'beta', 'acme', 'beta', 'x', 'ACME', 'acm%65', '..', '%2e', ''), { maxLength: 5 }),
    fc.constantFrom('', '', '?acme', '#beta', '/'),
  )
  .map(([origin, segments, end]) => `${origin}/${segments.join('/')}${end}`);
const paths = fc.oneof(anyPath, nearPath, nearPath);

const anyHost = textOf('acme', '.', 'example', 'com', ':', '80', '[', '::1', ']', '@', ',', ' ', 'acme.example.com');
const nearHost = fc.constantFrom(
  'acme.example.com',
  'ACME.example.com.',
  'acme.example.com:80',
  'acme.example.com..',
  'x.acme.example.com',
  '[::1]',
  '[::1]:80',
  '::1',
);
const hosts = fc.option(fc.oneof(anyHost, nearHost, nearHost), { nil: undefined });

const issuers = fc.oneof(textOf(...Object.keys(ISSUERS)), fc.constantFrom(...Object.keys(ISSUERS)), fc.jsonValue());
const payloads = fc.oneof(fc.jsonValue(), fc.record({ iss: issuers }));
const tokens = fc.oneof(
  textOf('acme_', 'b', '.', 'e30', '=', '-', 'eyJ'),
  fc.tuple(fc.constantFrom('acme_', 'acme_b', 'acme'), fc.base64String()).map((parts) => parts.join('')),
  payloads.map(jwtOf),
);

/** Counts how often each outcome was met, so that a property whose assertion is never reached fails. */
function createTally(): { count(outcome: string): void; outcomes(): string[] } {
  const counts = new Map<string, number>();
  return {
    count: (outcome) => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
    outcomes: () => [...counts].filter(([, times]) => times >= MIN_CASES).map(([outcome]) => outcome),
  };
}

describe('every selector returns a listed name or none, and never throws', () => {
  it('byHost selects a name only when the request names its host', () => {
    const select = byHost(HOSTS);
    const selectBy = (host: unknown) => byHost(HOSTS, { host: () => host as never });
    const tally = createTally();
    fc.assert(
      fc.property(hosts, hosts, paths, (host, authority, url) => {
        const name = select(requestOf(url, { host, ':authority': authority }), '');
        expect(LIST).toContain(name);
        expect(LIST).toContain(selectBy(host)(requestOf(url), ''));
        const written = `${host ?? authority ?? url}`.toLowerCase();
        if (name !== undefined) expect(written).toContain(name === 'acme' ? 'acme.example.com' : '[::1]');
        tally.count(String(name));
      }),
      { numRuns: 1000 },
    );
    expect(tally.outcomes().sort()).toEqual(['acme', 'beta', 'undefined']);
  });

  it('byPathSegment agrees with a URL parser about the segment', () => {
    const tally = createTally();
    fc.assert(
      fc.property(paths, fc.nat(3), fc.option(paths, { nil: undefined }), (url, index, originalUrl) => {
        const name = byPathSegment(SEGMENTS, { index })(requestOf(url, {}, { originalUrl }), '');
        expect(LIST).toContain(name);
        if (name === undefined) return tally.count('none');
        const target = originalUrl ?? url;
        const absolute = target.startsWith('/') ? `http://x${target}` : target;
        if (!URL.canParse(absolute)) return tally.count('not a URL');
        expect(new URL(absolute).pathname.split('/')[index + 1]).toBe(name);
        tally.count('compared');
      }),
      { numRuns: 1000 },
    );
    expect(tally.outcomes()).toEqual(expect.arrayContaining(['compared', 'none']));
  });

  it('byTokenPrefix selects the longest prefix', () => {
    const select = byTokenPrefix(PREFIXES);
    const tally = createTally();
    fc.assert(
      fc.property(tokens, (token) => {
        const name = select(requestOf('/'), token);
        expect(name).toBe(token.startsWith('acme_b') ? 'beta' : token.startsWith('acme_') ? 'acme' : undefined);
        tally.count(String(name));
      }),
      { numRuns: 1000 },
    );
    expect(tally.outcomes().sort()).toEqual(['acme', 'beta', 'undefined']);
  });

  it('byIssuer selects by the iss of the payload, compared exactly', () => {
    const select = byIssuer(ISSUERS);
    const tally = createTally();
    fc.assert(
      fc.property(tokens, (token) => {
        expect(LIST).toContain(select(requestOf('/'), token));
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(payloads, (payload) => {
        const { iss } = Object(payload) as { iss?: unknown };
        const expected =
          typeof iss === 'string' && Object.hasOwn(ISSUERS, iss) ? ISSUERS[iss as keyof typeof ISSUERS] : undefined;
        expect(select(requestOf('/'), jwtOf(payload))).toBe(expected);
        tally.count(String(expected));
      }),
      { numRuns: 1000 },
    );
    expect(tally.outcomes().sort()).toEqual(['acme', 'beta', 'undefined']);
  });

  it('ignores changes of the list after its creation', () => {
    const names: Record<string, string> = { acme_: 'acme' };
    const select = byTokenPrefix(names);
    names.acme_ = 'beta';
    names.x = 'beta';
    expect([select(requestOf('/'), 'acme_1'), select(requestOf('/'), 'x1')]).toEqual(['acme', undefined]);
  });
});
