import type { Express } from 'express';
import request, { type Response, type Test } from 'supertest';
import type { DpopOptions, Guard, TokenIntrospectionOptions } from '../../lib/index.js';
import { type Api, createApi } from './api.js';
import { createClock, type FakeClock } from './clock.js';
import { createSender, ORIGIN, type ProofParts, type Sender } from './dpop-sender.js';
import { active, createEndpoint, type Endpoint } from './endpoint.js';

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
