import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import type { Express } from 'express';
import type { JWK } from 'jose';
import request, { type Response, type Test } from 'supertest';
import type { DpopOptions, Guard, TokenIntrospectionOptions } from '../../lib/index.js';
import { type Api, createApi } from './api.js';
import { createClock, type FakeClock } from './clock.js';
import { active, createEndpoint, type Endpoint } from './endpoint.js';

/** The origin in the proofs of clients. */
export const ORIGIN = 'https://api.example.com';

export const ALGS = 'algs="ES256 ES384 ES512 PS256 RS256 EdDSA Ed25519"';

/** Both challenges in one header line. */
export const CHALLENGES = {
  none: `Bearer realm="api", DPoP realm="api", ${ALGS}`,
  proof: challengeOfDpop('invalid_dpop_proof', 'The request must carry exactly one valid DPoP proof of its own'),
  nonce: challengeOfDpop('use_dpop_nonce', 'The DPoP proof must hold a nonce of this resource'),
  token: challengeOfDpop('invalid_token', 'The access token is not valid for this resource'),
  request: challengeOfDpop('invalid_request', 'The request must carry exactly one well-formed bearer token'),
  scope: challengeOfDpop('insufficient_scope', 'The access token does not grant what this resource requires'),
  bearerToken: `Bearer realm="api", error="invalid_token", error_description="The access token is not valid for this resource", DPoP realm="api", ${ALGS}`,
};

function challengeOfDpop(error: string, description: string): string {
  return `Bearer realm="api", DPoP realm="api", error="${error}", error_description="${description}", ${ALGS}`;
}

type Members = Readonly<Record<string, unknown>>;

/** Changes to a proof. A member that is `undefined` is left out. */
export interface ProofParts {
  readonly header?: Members | undefined;
  readonly claims?: Members | undefined;
  /** Signs with another key than the one in the header. */
  readonly key?: KeyObject | undefined;
}

export interface Sender {
  readonly jkt: string;
  readonly jwk: JWK;
  readonly key: KeyObject;
  /** Creates a current proof for GET `/` of the origin with the token, except for these changes. */
  proof(token: string, clock: FakeClock, parts?: ProofParts): Promise<string>;
}

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const KEY_PAIRS: Readonly<Record<string, () => KeyPair>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'),
};

/** A client with its own key pair. */
export async function createSender(alg = 'ES256'): Promise<Sender> {
  const { calculateJwkThumbprint, CompactSign } = await import('jose');
  const { publicKey, privateKey } = (KEY_PAIRS[alg] as () => KeyPair)();
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  return {
    jkt: await calculateJwkThumbprint(jwk),
    jwk,
    key: privateKey,
    proof(token, clock, { header, claims, key = privateKey } = {}) {
      const payload = {
        jti: randomUUID(),
        htm: 'GET',
        htu: `${ORIGIN}/`,
        iat: Math.floor(clock.seconds()),
        ath: createHash('sha256').update(token).digest('base64url'),
        ...claims,
      };
      const content = new TextEncoder().encode(JSON.stringify(payload));
      return new CompactSign(content).setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header } as never).sign(key);
    },
  };
}

/** A proof with any contents and signature, which no library would create. */
export function assemble(header: Members, claims: unknown, signature: string | ((input: string) => string)): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${typeof signature === 'string' ? signature : signature(input)}`;
}

/** Sends a GET with a token in the scheme DPoP, and with these proofs. */
export function sendBound(
  { app }: { readonly app: Express },
  token: string,
  proof?: string | readonly string[],
  path = '/',
): Test {
  const test = request(app).get(path).set('Authorization', `DPoP ${token}`);
  return proof === undefined ? test : test.set('DPoP', proof as string);
}

/** An active response about a token that is bound to the client's key. */
export function boundTo({ jkt }: Sender, more: Record<string, unknown> = {}): Record<string, unknown> {
  return active({ token_type: 'DPoP', cnf: { jkt }, exp: undefined, ...more });
}

export interface DpopSetup {
  readonly sender: Sender;
  readonly clock: FakeClock;
  readonly endpoint: Endpoint;
  readonly api: Api;
  /** Sends the token `abc` with a valid proof or with these changes, and expects this status. */
  send(status: number, parts?: ProofParts, path?: string): Promise<Response>;
}

/** An API with DPoP, an endpoint with one bound token, and the client that has its key. */
export async function createDpopSetup(
  dpop: DpopOptions = {},
  options: Partial<TokenIntrospectionOptions> = {},
  ...guards: Guard[]
): Promise<DpopSetup> {
  const sender = await createSender();
  const clock = createClock();
  const endpoint = await createEndpoint(boundTo(sender));
  const api = createApi(endpoint, { clock, dpop: { origin: ORIGIN, ...dpop }, ...options }, ...guards);
  return {
    sender,
    clock,
    endpoint,
    api,
    async send(status, parts, path) {
      return sendBound(api, 'abc', await sender.proof('abc', clock, parts), path).expect(status);
    },
  };
}
