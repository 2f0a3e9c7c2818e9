import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import { thumbprintOf } from '../../lib/verification/binding/certificate.js';
import { createApi } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { ROOT } from '../support/child.js';
import { createClock } from '../support/clock.js';
import { createSender, ORIGIN, type Sender } from '../support/dpop.js';
import { active, createEndpoint } from '../support/endpoint.js';

interface Case {
  cnf?: (sender: Sender) => Record<string, unknown>;
  readonly scheme?: 'DPoP';
  readonly proof?: true;
  readonly certificate?: string;
}

const X5T = thumbprintOf(SELF_SIGNED.cert);
const OTHER_CERTIFICATE = 'another';

const toKey = ({ jkt }: Sender) => ({ jkt });
const toCertificate = () => ({ 'x5t#S256': X5T });
const withKey = { scheme: 'DPoP', proof: true } as const;
const withCertificate = { certificate: SELF_SIGNED.cert };

/** By the first column of the table in the guide. */
const CASES: Readonly<Record<string, Case>> = {
  'plain, under Bearer': {},
  'plain, under DPoP with a good proof': withKey,
  'bound to a key, under Bearer': { cnf: toKey },
  'bound to a key, under Bearer with a good proof': { cnf: toKey, proof: true },
  'bound to a key, under DPoP with a good proof': { cnf: toKey, ...withKey },
  'bound to a key, under DPoP without a proof': { cnf: toKey, scheme: 'DPoP' },
  'bound to a certificate, with it': { cnf: toCertificate, ...withCertificate },
  'bound to a certificate, with another': { cnf: toCertificate, certificate: OTHER_CERTIFICATE },
  'bound to a certificate, without one': { cnf: toCertificate },
  'bound to both, under DPoP with a good proof and the certificate': {
    cnf: (sender) => ({ ...toKey(sender), ...toCertificate() }),
    ...withKey,
    ...withCertificate,
  },
  'bound in another way': { cnf: () => ({ kid: 'x' }), ...withCertificate },
};

const page = readFileSync(join(ROOT, 'docs/sender-constrained.md'), 'utf8');
const table = (page.split('| token and credentials |')[1] ?? '').split('\n\n', 1)[0] as string;
const rows = table
  .split('\n')
  .slice(2)
  .map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  .map(([, title = '', ...cells]) => [title, cells.slice(0, 4)] as const);

/** Status and error of the request, as the table writes them. */
async function outcomeOf({ cnf, scheme, proof, certificate }: Case, uses: readonly string[]): Promise<string> {
  const [sender, clock] = [await createSender(), createClock()];
  const token_type = scheme ?? 'Bearer';
  const endpoint = await createEndpoint(active({ exp: undefined, token_type: cnf && token_type, cnf: cnf?.(sender) }));
  const options: Partial<TokenIntrospectionOptions> = {
    clock,
    ...(uses.includes('dpop') && { dpop: { origin: ORIGIN } }),
    ...(uses.includes('mtls') && { mtls: { certificate: () => certificate } }),
  };
  const test = request(createApi(endpoint, options).app).get('/').set('Authorization', `${token_type} abc`);
  if (proof) test.set('DPoP', await sender.proof('abc', clock));
  const { status, headers } = await test;
  const [, error] = /error="(\w+)"/.exec(headers['www-authenticate'] ?? '') ?? [];
  return error === undefined ? String(status) : `${status} ${error}`;
}

describe('the guide to sender-constrained tokens', () => {
  it('tells of every case', () => {
    expect(rows.map(([title]) => title)).toEqual(Object.keys(CASES));
  });

  it.each(rows)('says what happens to a token %s', async (title, cells) => {
    const uses = [[], ['dpop'], ['mtls'], ['dpop', 'mtls']];
    expect(await Promise.all(uses.map((each) => outcomeOf(CASES[title] as Case, each)))).toEqual(cells);
  });
});
