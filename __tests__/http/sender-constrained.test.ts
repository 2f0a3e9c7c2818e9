import type { IncomingMessage, RequestListener } from 'node:http';
import type { DpopOptions, TokenIntrospection } from '../../lib/index.js';
import { thumbprintOf } from '../../lib/verification/sender/certificate.js';
import { createAuthenticate } from '../support/api.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { createClock } from '../support/clock.js';
import { createSender, ORIGIN, type Sender } from '../support/dpop-sender.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { page } from '../support/pages.js';
import { serve } from '../support/serve.js';

const X5T = thumbprintOf(SELF_SIGNED.cert);
const UNKNOWN = { kid: 'x' };

const PROOFS = ['none', 'good', 'other key'] as const;
const TYPES = ['absent', 'Bearer', 'DPoP'] as const;
const CERTIFICATES = ['same', 'other', 'none'] as const;
const OPTIONS: readonly (readonly [title: string, dpop: DpopOptions | undefined, mtls: boolean])[] = [
  ['neither', undefined, false],
  ['dpop', { origin: ORIGIN }, false],
  ['required', { origin: ORIGIN, required: true }, false],
  ['mtls', undefined, true],
  ['dpop, mtls', { origin: ORIGIN }, true],
  ['required, mtls', { origin: ORIGIN, required: true }, true],
];

/** The members of `cnf` for each word of the table. Unknown members beside known ones make no difference. */
const BINDINGS: Readonly<Record<string, readonly ((sender: Sender) => object | undefined)[]>> = {
  none: [() => undefined],
  jkt: [({ jkt }) => ({ jkt }), ({ jkt }) => ({ jkt, ...UNKNOWN })],
  'x5t#S256': [() => ({ 'x5t#S256': X5T }), () => ({ 'x5t#S256': X5T, ...UNKNOWN })],
  both: [({ jkt }) => ({ jkt, 'x5t#S256': X5T }), ({ jkt }) => ({ jkt, 'x5t#S256': X5T, ...UNKNOWN })],
  unknown: [() => UNKNOWN],
};

const AXES = [PROOFS, Object.keys(BINDINGS), TYPES, CERTIFICATES] as const;
const COLUMNS = AXES.length;

interface Row {
  readonly scheme: string;
  readonly title: string;
  /** Words of each axis that the row covers. */
  readonly words: readonly (readonly string[])[];
  readonly outcomes: readonly string[];
}

type Combination = readonly string[];

/** Table of the guide for one scheme. */
function rowsOf(scheme: string, sentence: string): Row[] {
  const text = (page('docs/sender-constrained.md').split(`${sentence}\n\n`)[1] ?? '').split('\n\n', 1)[0] as string;
  const [head = [], , ...rows] = text.split('\n').map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  expect(head).toEqual(['proof', 'cnf', 'token_type', 'certificate', ...OPTIONS.map(([title]) => title)]);
  return rows.map((cells) => ({
    scheme,
    title: cells.slice(0, COLUMNS).join(' | '),
    words: AXES.map((axis, index) => (cells[index] === 'any' ? [...axis] : (cells[index]?.split(', ') ?? []))),
    outcomes: cells.slice(COLUMNS),
  }));
}

function productOf(words: readonly (readonly string[])[]): Combination[] {
  return words.reduce<Combination[]>((all, axis) => all.flatMap((one) => axis.map((word) => [...one, word])), [[]]);
}

const ROWS = [
  ...rowsOf('Bearer', 'for a token that the middleware reads with `getToken` or `tokenFromBody`:'),
  ...rowsOf('DPoP', 'for a token with the scheme `DPoP`:'),
];

/** A server with a path for each set of options. Its endpoint knows a token for each `cnf` and `token_type`. */
async function createServer(sender: Sender) {
  const clock = createClock();
  const endpoint = await createEndpoint(({ form }: { form: URLSearchParams }) => {
    const [cnf = '', variant, type] = JSON.parse(Buffer.from(String(form.get('token')), 'base64url').toString());
    return active({
      exp: undefined,
      token_type: type === 'absent' ? undefined : type,
      cnf: BINDINGS[cnf]?.[variant]?.(sender),
    });
  });
  const certificate = ({ headers }: IncomingMessage) =>
    headers['x-certificate'] === 'same' ? SELF_SIGNED.cert : (headers['x-certificate'] as string | undefined);
  const middlewares = OPTIONS.map(([, dpop, mtls]) =>
    createAuthenticate(endpoint, { clock, ...(dpop && { dpop }), ...(mtls && { mtls: { certificate } }) }),
  );
  const listener: RequestListener = (req, res) =>
    (middlewares[Number(req.url?.slice(1))] as TokenIntrospection)(req, res, (error) => {
      res.statusCode = error === undefined ? 200 : 500;
      res.end();
    });
  return { clock, ...(await serve(listener)) };
}

describe('the guide to sender-constrained tokens', () => {
  it.each(['Bearer', 'DPoP'])('has one row for each combination under %s', (scheme) => {
    const rows = ROWS.filter((row) => row.scheme === scheme);
    for (const combination of productOf(AXES)) {
      const fitting = rows.filter(({ words }) => words.every((axis, index) => axis.includes(combination[index] ?? '')));
      expect([combination, fitting.length]).toEqual([combination, 1]);
    }
  });

  it.each(ROWS.map((row) => [row.scheme, row.title, row] as const))('is right about %s: %s', async (_s, _t, row) => {
    const [sender, stranger] = [await createSender(), await createSender()];
    const { url, clock } = await createServer(sender);
    const signers: Readonly<Record<string, Sender>> = { good: sender, 'other key': stranger };
    for (const [proof = '', cnf = '', type, certificate] of productOf(row.words)) {
      for (const variant of (BINDINGS[cnf] ?? []).keys()) {
        const token = Buffer.from(JSON.stringify([cnf, variant, type])).toString('base64url');
        const outcomes = await Promise.all(
          OPTIONS.map(async (_, index) => {
            const headers: Record<string, string> = { authorization: `${row.scheme} ${token}` };
            const signer = signers[proof];
            if (signer) headers.dpop = await signer.proof(token, clock, { claims: { htu: `${ORIGIN}/${index}` } });
            if (certificate !== 'none') headers['x-certificate'] = String(certificate);
            const response = await fetch(`${url}/${index}`, { headers });
            const [, error] = /error="(\w+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
            return error === undefined ? String(response.status) : `${response.status} ${error}`;
          }),
        );
        expect([proof, cnf, type, certificate, variant, ...outcomes]).toEqual([
          proof,
          cnf,
          type,
          certificate,
          variant,
          ...row.outcomes,
        ]);
      }
    }
  });
});
