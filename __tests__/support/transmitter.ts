import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { serve } from './serve.js';

/** A key pair of an issuer, and how it signs. */
export interface IssuerKey {
  readonly alg: string;
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function createIssuerKey(alg: 'ES256' | 'RS256' = 'ES256', kid: string = randomUUID()): IssuerKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { alg, kid, ...pair };
}

export const toJwk = ({ publicKey, kid }: IssuerKey) => ({ ...publicKey.export({ format: 'jwk' }), kid });

/** Signs a payload as it is: an object, or the text of the JSON. */
export async function signToken(key: IssuerKey, header: object, payload: object | string): Promise<string> {
  const { CompactSign } = await import('jose');
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header } as { alg: string })
    .sign(key.privateKey);
}

export const POLL_TOKEN = 'poll-token';

interface PollRequest {
  readonly maxEvents: number;
  readonly returnImmediately: boolean;
  readonly ack: string[];
  readonly setErrs: Record<string, { err: string; description: string }>;
}

/**
 * A stream of events that a receiver polls (RFC 8936). It sends an event again until it is acknowledged or reported, and notes everything
 * that a receiver must not do.
 */
function createStream() {
  const stream = {
    /** Events that are not acknowledged, by `jti`. */
    pending: new Map<string, string>(),
    /** How often each event was sent. */
    sent: new Map<string, number>(),
    acknowledged: [] as string[],
    errors: {} as PollRequest['setErrs'],
    violations: [] as string[],
    requests: [] as PollRequest[],
    /** Responses that are sent instead of the next ones. */
    failures: [] as ((res: ServerResponse) => void)[],
    waiting: undefined as (() => void) | undefined,
    add(jti: string, jwt: string) {
      stream.pending.set(jti, jwt);
      stream.waiting?.();
    },
    async handle(req: IncomingMessage, res: ServerResponse) {
      const body = await text(req);
      const failure = stream.failures.shift();
      if (failure !== undefined) return failure(res);
      const request = stream.check(req, body);
      if (request === undefined) return void res.writeHead(400).end();
      stream.requests.push(request);
      for (const jti of [...request.ack, ...Object.keys(request.setErrs)]) {
        if (!stream.sent.has(jti)) stream.violations.push(`reports an event that was not sent: ${jti}`);
        stream.pending.delete(jti);
      }
      stream.acknowledged.push(...request.ack);
      Object.assign(stream.errors, request.setErrs);
      if (stream.pending.size === 0 && !request.returnImmediately) {
        await new Promise<void>((resolve) => {
          stream.waiting = resolve;
          res.once('close', resolve);
        });
      }
      if (!res.destroyed) stream.respond(res, request.maxEvents);
    },
    check(req: IncomingMessage, body: string): PollRequest | undefined {
      const { method, headers } = req;
      if (method !== 'POST') stream.violations.push(`method ${method}`);
      if (headers['content-type'] !== 'application/json') stream.violations.push('content-type');
      if (headers.accept !== 'application/json') stream.violations.push('accept');
      if (headers.authorization !== `Bearer ${POLL_TOKEN}`) stream.violations.push('authorization');
      const { maxEvents, returnImmediately, ack = [], setErrs = {}, ...others } = JSON.parse(body);
      const isValid =
        Number.isInteger(maxEvents) && typeof returnImmediately === 'boolean' && Array.isArray(ack) && !!setErrs;
      if (!isValid || Object.keys(others).length > 0) stream.violations.push('body');
      return isValid ? { maxEvents, returnImmediately, ack, setErrs } : undefined;
    },
    respond(res: ServerResponse, maxEvents: number) {
      const sets = [...stream.pending].slice(0, maxEvents);
      for (const [jti] of sets) stream.sent.set(jti, (stream.sent.get(jti) ?? 0) + 1);
      const moreAvailable = sets.length < stream.pending.size;
      res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ sets: Object.fromEntries(sets), ...(moreAvailable && { moreAvailable }) }));
    },
  };
  return stream;
}

/** An issuer with metadata, keys and a stream of events over HTTP. It can rotate its keys, and fail. */
export async function createTransmitter(alg: 'ES256' | 'RS256' = 'ES256', at = '/.well-known/ssf-configuration') {
  const stream = createStream();
  const transmitter = {
    stream,
    issuer: '',
    key: createIssuerKey(alg),
    jwksStatus: 200,
    /** Paths of requests for metadata and keys. */
    asked: [] as string[],
    fetches: () => transmitter.asked.filter((path) => path === '/jwks').length,
    rotate(next: 'ES256' | 'RS256' = alg) {
      transmitter.key = createIssuerKey(next);
    },
    sign: (header: object, payload: object | string) => signToken(transmitter.key, header, payload),
  };
  const { url } = await serve((req, res) => {
    transmitter.asked.push(String(req.url));
    const json = (status: number, body: object) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (req.url === '/jwks') json(transmitter.jwksStatus, { keys: [toJwk(transmitter.key)] });
    else if (req.url === '/poll') void stream.handle(req, res);
    else if (req.url === at) json(200, { issuer: transmitter.issuer, jwks_uri: `${transmitter.issuer}/jwks` });
    else json(404, {});
  });
  transmitter.issuer = url;
  return transmitter;
}
