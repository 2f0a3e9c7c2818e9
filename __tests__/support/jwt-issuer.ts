import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { active, json } from './endpoint.js';
import { serve } from './serve.js';

/** A key pair of an issuer, with its `kid`; `undefined` for a key without one. */
export interface SigningPair {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function createSigningPair(kid?: string): SigningPair {
  return { kid, alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** How the URL of the keys responds. */
export type KeysMode = 'up' | 'down' | 'hanging' | 'html' | 'empty' | 'unavailable';

/** An authorization server that issues JWTs, publishes its keys and introspects its tokens. */
export interface JwtIssuer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  /** Keys that the server publishes. */
  published: readonly SigningPair[];
  keysMode: KeysMode;
  /** Tokens that the endpoint calls inactive. All others are active. */
  readonly revoked: Set<string>;
  /** Tokens that the endpoint was asked about. */
  readonly introspected: string[];
  /** Number of requests for the keys. */
  fetches(): number;
}

export async function startJwtIssuer(...published: SigningPair[]): Promise<JwtIssuer> {
  let fetches = 0;
  const { url } = await serve(async (req, res) => {
    if (req.url?.startsWith('/.well-known/')) return json(res, { issuer: url, jwks_uri: `${url}/jwks` });
    if (req.url === '/jwks') {
      fetches++;
      return respondWithKeys(server, res);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token') ?? '';
    server.introspected.push(token);
    return json(res, server.revoked.has(token) ? { active: false } : active());
  });
  const server: JwtIssuer = {
    issuer: url,
    introspectionEndpoint: `${url}/introspect`,
    published,
    keysMode: 'up',
    revoked: new Set(),
    introspected: [],
    fetches: () => fetches,
  };
  return server;
}

function respondWithKeys({ keysMode, published }: JwtIssuer, res: Parameters<typeof json>[0]): void {
  const keys = published.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid }));
  if (keysMode === 'down') res.destroy();
  else if (keysMode === 'unavailable') json(res, {}, 503);
  else if (keysMode === 'html') res.writeHead(200, { 'content-type': 'text/html' }).end('<p>maintenance');
  else if (keysMode !== 'hanging') json(res, { keys: keysMode === 'empty' ? [] : keys });
}

/** Signs a JWT of the issuer, valid for an hour by the real clock. */
export async function issueJwt(
  { issuer }: Pick<JwtIssuer, 'issuer'>,
  { kid, alg, privateKey }: SigningPair,
  claims: { readonly [Name in keyof JWTPayload]: JWTPayload[Name] | undefined } = {},
  header: object = {},
): Promise<string> {
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: issuer, sub: 'alice', iat: now, exp: now + 3600, ...claims } as JWTPayload)
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }), ...header })
    .sign(privateKey);
}
