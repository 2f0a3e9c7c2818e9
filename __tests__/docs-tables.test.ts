import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { OUTAGE_REMEDIES } from '../lib/diagnostics/outage-remedies.js';
import { REJECTION_REMEDIES } from '../lib/diagnostics/rejection-remedies.js';
import type { Remedy } from '../lib/diagnostics/remedy.js';
import * as library from '../lib/index.js';
import { parseOptions } from '../lib/options/parse.js';
import { POLICY_RULES } from '../lib/options/rules.js';
import type { TokenIntrospectionOptions } from '../lib/options/types.js';
import * as providers from '../lib/providers/index.js';
import { FAILURE_NAMES } from '../lib/testing/failures.js';
import { fakeAuthorizationServer } from '../lib/testing/index.js';
import { codeWords, findPages, page, table, tables } from './support/pages.js';
import { createSharedMemory } from './support/shared-memory.js';

const README = page('README.md');
const SOURCE = page('lib/options/types.ts');

/** The required options, and those without which another option has no effect. */
const REQUIRED: TokenIntrospectionOptions = {
  authorizationServer: 'https://as.example.com',
  clientAuth: library.clientSecretBasic('api', 'secret'),
  audience: 'https://api.example.com',
  cache: { store: createSharedMemory().connect(), secrets: ['s'.repeat(32)] },
  jwtResponse: {},
};

/** The value of a cell such as `10_000`. `undefined` for a cell with words. */
function literal(cell: string): unknown {
  const [code] = /^`([^`]+)`$/.exec(cell) === null ? [] : codeWords(cell);
  if (code === undefined || !/^(?:true|false|[\d_]+|'[^']*'|\[.*\])$/.test(code)) return undefined;
  return runInNewContext(code);
}

/** Adds an option, which may be a member of another option. */
function withOption(name: string, value: unknown): TokenIntrospectionOptions {
  const [outer, inner] = name.split('.') as unknown as [keyof TokenIntrospectionOptions, string?];
  if (inner === undefined) return { ...REQUIRED, [outer]: value };
  return { ...REQUIRED, [outer]: { ...(REQUIRED[outer] as object), [inner]: value } };
}

function settingsOf(options: TokenIntrospectionOptions): string {
  const { policy, ...settings } = parseOptions(options);
  // The options as they were written are not compared.
  return inspect({ ...settings, policy: { ...policy, options: undefined } }, { depth: null });
}

/** Another value of the same kind. */
function other(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (value === 'form') return 'json';
  return Array.isArray(value) ? ['ES256'] : `${value}-another`;
}

/** The docstring of a member of an interface in `lib/options/types.ts`. */
function docstringsOf(name: string): string[] {
  const member = name.split('.').at(-1);
  return [...SOURCE.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\??:/g)]
    .filter(([, , documented]) => documented === member)
    .map(([, text]) => (text as string).replace(/\s+\*?\s*/g, ' '));
}

/** Whether this value of an option changes the parsed settings, or is rejected. */
function changesSettings(name: string, value: unknown): boolean {
  try {
    return settingsOf(withOption(name, value)) !== settingsOf(REQUIRED);
  } catch {
    return true;
  }
}

const OPTIONS = tables(page('docs/options.md'), '| option | default').flatMap(([names = '', standard = '']) =>
  codeWords(names).map((name) => [name, standard] as const),
);
const LITERALS = OPTIONS.filter(([, cell]) => literal(cell) !== undefined);

describe('the page about options', () => {
  // The values of these defaults are inside functions, so only their docstrings are compared below.
  it.each(LITERALS.filter(([name]) => !name.startsWith('dpop.')))('shows the default of %s: %s', (name, cell) => {
    const value = literal(cell);
    expect(changesSettings(name, value)).toBe(false);
    expect(changesSettings(name, other(value))).toBe(true);
  });

  it.each(LITERALS)('shows the same default of %s as its docstring: %s', (name, cell) => {
    const written = cell.replace(/^`(.*)`$/, '$1').replaceAll('_', '');
    const texts = docstringsOf(name).map((text) => text.replaceAll('`', ''));
    expect(texts).toContainEqual(
      expect.stringMatching(new RegExp(`Default:? ${written.replace(/[[\]]/g, '\\$&')}(?![\\w'])`)),
    );
  });

  it('shows which options are required', () => {
    const required = OPTIONS.filter(([, cell]) => cell === 'required').map(([name]) => name);
    expect(required).toEqual(['endpoint', 'clientAuth', 'audience']);
    const options = { ...REQUIRED, authorizationServer: undefined, endpoint: 'https://as.example.com/introspect' };
    for (const name of required) {
      expect(() => parseOptions({ ...options, cache: false, jwtResponse: false, [name]: undefined })).toThrow(name);
    }
  });
});

describe('the documents', () => {
  it('list the members of the middleware', () => {
    const middleware = library.tokenIntrospection({ ...REQUIRED, cache: false, jwtResponse: false });
    const listed = table(page('docs/options.md'), '| member | meaning').map(([name]) => /`(\w+)/.exec(name ?? '')?.[1]);
    expect(listed.sort()).toEqual(Object.keys(middleware).sort());
  });

  it('list the options of with()', () => {
    const [sentence = ''] = /^`with\(\)` accepts .*$/m.exec(page('docs/recipes.md')) ?? [];
    expect(codeWords(sentence).slice(1).sort()).toEqual(Object.keys(POLICY_RULES).sort());
  });

  it('list every guard', () => {
    const listed = table(README, '| guard | passes when').flatMap(([names = '']) => names.match(/require\w+/g));
    const guards = Object.keys(library).filter((name) => name.startsWith('require'));
    expect(listed.sort()).toEqual(guards.sort());
    expect(guards.length).toBeGreaterThan(4);
  });

  it('show every preset and each function of the root entry', () => {
    const presets = Object.keys(providers).filter(
      (name) => !new RegExp(`\\b${name}\\(`).test(page('docs/providers.md')),
    );
    expect(presets).toEqual([]);
    const listed = table(README, '| provider | preset').map(([, preset]) => /`(\w+)\(/.exec(preset ?? '')?.[1]);
    expect(listed.sort()).toEqual(Object.keys(providers).sort());
    const guides = README + findPages('docs').map(page).join('');
    expect(Object.keys(library).filter((name) => !new RegExp(`\\b${name}\\b`).test(guides))).toEqual([]);
  });

  it('name every entry of the package', () => {
    const { name, exports } = JSON.parse(page('package.json'));
    const guides = README + findPages('docs').map(page).join('');
    const entries = Object.keys(exports).filter((path) => !/^\.(?:\/package\.json)?$/.test(path));
    expect(entries.filter((path) => !guides.includes(path.replace('.', name)))).toEqual([]);
  });
});

describe('the remedy for each reason and code', () => {
  const cell = ([beginnings]: Remedy, { length }: readonly Remedy[]) =>
    beginnings.length > 0 ? beginnings.map((each) => `\`${each}\``).join(', ') : length > 1 ? 'otherwise' : 'any';
  const rowsOf = (remedies: Readonly<Record<string, readonly Remedy[]>>) =>
    Object.entries(remedies).flatMap(([name, list]) =>
      list.map((remedy) => [`\`${name}\``, cell(remedy, list), remedy[1]]),
    );

  it.each([
    ['reason', '| reason | cause', REJECTION_REMEDIES],
    ['code', '| code | detail', OUTAGE_REMEDIES],
  ])('is the same in the guide to troubleshooting and in the warnings, for each %s', (_, header, remedies) => {
    expect(table(page('docs/troubleshooting.md'), header)).toEqual(rowsOf(remedies));
  });

  it('is on the page about errors in general', () => {
    const general = (remedies: Readonly<Record<string, readonly Remedy[]>>) =>
      Object.entries(remedies).map(([name, list]) => [`\`${name}\``, list.at(-1)?.[1]]);
    expect(table(page('docs/errors.md'), '| reason | what to do')).toEqual(general(REJECTION_REMEDIES));
    const outages = table(page('docs/errors.md'), '| `code` | what happened').map(([code, , remedy]) => [code, remedy]);
    expect(outages).toEqual(general(OUTAGE_REMEDIES));
  });

  it('has a command in the guide to troubleshooting, for each reason and code', () => {
    const listed = table(page('docs/troubleshooting.md'), '| reason or code').flatMap(([names]) => codeWords(names));
    const names = Object.keys({ ...REJECTION_REMEDIES, ...OUTAGE_REMEDIES });
    expect([...new Set(listed)].sort()).toEqual(names.sort());
  });

  it('is listed for every code of a warning', () => {
    const [, codes = ''] = /readonly code:([^;]*);/.exec(page('lib/diagnostics/channels.ts')) ?? [];
    const listed = table(page('docs/troubleshooting.md'), '| code of the warning').flatMap(([names]) =>
      codeWords(names),
    );
    expect(listed.sort()).toEqual([...codes.matchAll(/'(\w+)'/g)].map(([, code]) => code).sort());
  });
});

describe('the guide to testing', () => {
  const GUIDE = page('docs/testing.md');

  it('lists the members of a fake authorization server, and how it can fail', () => {
    const rows = table(GUIDE, '| member | what it does');
    expect(rows.map(([member = '']) => /`(\w+)/.exec(member)?.[1]).sort()).toEqual(
      Object.keys(fakeAuthorizationServer()).sort(),
    );
    const [, failures = ''] = rows.find(([member]) => member?.includes('fail')) ?? [];
    for (const name of FAILURE_NAMES.split(', ')) expect(codeWords(failures)).toContain(name);
  });
});
