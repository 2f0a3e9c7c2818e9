import fc from 'fast-check';
import { byHost, byIssuer, byPathSegment, byTokenPrefix } from '../../lib/selectors/index.js';
import { jwtOf, requestOf } from '../support/selections.js';

const LIST = ['acme', 'beta', undefined];
const HOSTS = { 'acme.example.com': 'acme', '[::1]': 'beta' } as const;
const SEGMENTS = { acme: 'acme', beta: 'beta' } as const;
const PREFIXES = { acme_: 'acme', acme_b: 'beta' } as const;
const ISSUERS = { 'https://acme.example': 'acme', 'https://beta.example': 'beta' } as const;

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'acme'));
/** Made of what means something there, so that more than rubbish is tried. */
const of = (...pieces: string[]) =>
  fc.oneof(
    text,
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join('')),
  );
const paths = of('/', 'acme', 'beta', '.', '%2e', '%2F', '\\', '?', '#', 'http://', 'acme.example.com', '@', ':', '//');
const hosts = of(
  'acme',
  '.',
  'example',
  'com',
  ':',
  '80',
  '[',
  '::1',
  ']',
  '@',
  ',',
  ' ',
  'ACME.EXAMPLE.COM',
  'acme.example.com',
);
const payloads = fc.oneof(fc.jsonValue(), fc.record({ iss: fc.oneof(of(...Object.keys(ISSUERS)), fc.jsonValue()) }));
const tokens = fc.oneof(of('acme_', 'b', '.', 'e30', '=', '-', 'eyJ'), payloads.map(jwtOf));

describe('for whatever comes, a selector names one of its list or none, and does not throw', () => {
  it('byHost', () => {
    const [own, given] = [byHost(HOSTS), (host: unknown) => byHost(HOSTS, { host: () => host as never })];
    fc.assert(
      fc.property(
        fc.option(hosts, { nil: undefined }),
        fc.option(hosts, { nil: undefined }),
        paths,
        (host, authority, url) => {
          const name = own(requestOf(url, { host, ':authority': authority }), '');
          expect(LIST).toContain(name);
          expect(LIST).toContain(given(host)(requestOf(url), ''));
          if (name === 'acme') expect(`${host ?? authority ?? url}`.toLowerCase()).toContain('acme.example.com');
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('byPathSegment, which agrees with what a URL parser makes of the path', () => {
    fc.assert(
      fc.property(paths, fc.nat(3), fc.option(paths, { nil: undefined }), (url, at, originalUrl) => {
        const name = byPathSegment(SEGMENTS, { index: at })(requestOf(url, {}, { originalUrl }), '');
        expect(LIST).toContain(name);
        if (name === undefined) return;
        const target = originalUrl ?? url;
        const spelled = target.startsWith('/') ? `http://x${target}` : target;
        if (!URL.canParse(spelled)) return;
        expect(new URL(spelled).pathname.split('/')[at + 1]).toBe(name);
      }),
      { numRuns: 1000 },
    );
  });

  it('byTokenPrefix', () => {
    const select = byTokenPrefix(PREFIXES);
    fc.assert(
      fc.property(tokens, (token) => {
        const name = select(requestOf('/'), token);
        expect(name).toBe(token.startsWith('acme_b') ? 'beta' : token.startsWith('acme_') ? 'acme' : undefined);
      }),
    );
  });

  it('byIssuer', () => {
    const select = byIssuer(ISSUERS);
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
      }),
      { numRuns: 1000 },
    );
  });

  it('of a list that is changed afterwards, as it was when it was made', () => {
    const names: Record<string, string> = { acme_: 'acme' };
    const select = byTokenPrefix(names);
    names.acme_ = 'beta';
    names.x = 'beta';
    expect([select(requestOf('/'), 'acme_1'), select(requestOf('/'), 'x1')]).toEqual(['acme', undefined]);
  });
});
