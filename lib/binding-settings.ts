import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { inTime } from './cache/shared/time-limit.js';
import { optionError } from './option-error.js';
import { DPOP_RULES, readOptions } from './option-rules.js';
import type { DemandOptions, DpopOptions } from './options.js';
import type { Clock } from './types.js';
import type { ClientCertificate } from './verification/binding/certificate.js';
import { createDpopVerifier, type DpopVerifier } from './verification/binding/dpop.js';
import { createNonces } from './verification/binding/dpop-nonce.js';
import { createReplayMemory, createSharedReplay, type ReplayStore } from './verification/binding/replay.js';

/** How tokens may be bound to their sender. */
export interface BindingDemands {
  readonly dpop: DpopVerifier | undefined;
  /** Scheme and host that proofs must be made for, with the path prefix that a proxy takes off. */
  readonly dpopOrigin: string | ((req: IncomingMessage) => string | undefined) | undefined;
  readonly certificateOf: ((req: IncomingMessage) => ClientCertificate | undefined) | undefined;
}

/** What demands have in common with those they are derived from. */
export interface BindingSurroundings {
  readonly clock: Clock;
  readonly replayStore: ReplayStore | undefined;
}

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];

const NO_OPTIONS: DpopOptions = Object.freeze(Object.create(null));

const SECOND = 1000;
const REPLAY_TIMEOUT_MS = SECOND;

/**
 * @param wasRequired whether the middleware that this one derives from demands DPoP. Only `required: false` takes that back.
 * @throws TypeError
 */
export function parseDpop(
  given: DemandOptions['dpop'],
  audience: readonly string[] | false,
  { clock, replayStore }: BindingSurroundings,
  wasRequired = false,
): Pick<BindingDemands, 'dpop' | 'dpopOrigin'> {
  if (given === undefined || given === false) return { dpop: undefined, dpopOrigin: undefined };
  const options = given === true ? NO_OPTIONS : readOptions(given, DPOP_RULES, 'dpop.');
  const { algorithms = ALGORITHMS, origin = originOf(audience), nonce = false, maxAgeSeconds = 60 } = options;
  const { required: isRequired = wasRequired } = options;
  if (origin === undefined) {
    throw optionError('dpop.origin', origin, "write the origin that clients ask, such as 'https://api.example.com'");
  }
  const store = options.replayStore ?? replayStore;
  const secrets = typeof nonce === 'object' ? [...(nonce.secrets as readonly string[])] : [randomBytes(32)];
  const dpop = createDpopVerifier({
    algorithms: Object.freeze([...algorithms]),
    isRequired,
    maxAgeMs: maxAgeSeconds * SECOND,
    nonces: nonce === false ? undefined : createNonces(secrets, clock),
    replay: store === undefined ? createReplayMemory(clock) : createSharedReplay(inReplayTime(store), store),
    clock,
  });
  return { dpop, dpopOrigin: origin };
}

/** A store that does not answer has failed. */
function inReplayTime(store: ReplayStore): ReplayStore {
  return { setIfAbsent: (key, ttlMs) => inTime(async () => store.setIfAbsent(key, ttlMs), REPLAY_TIMEOUT_MS) };
}

export function parseMtls(given: DemandOptions['mtls']): BindingDemands['certificateOf'] {
  if (given === undefined || given === false) return undefined;
  return given === true ? peerCertificate : given.certificate;
}

function peerCertificate({ socket }: IncomingMessage): ClientCertificate | undefined {
  return (socket as TLSSocket).getPeerX509Certificate?.();
}

/** Where the audience says it. */
function originOf(audience: readonly string[] | false): string | undefined {
  const [only, another] = audience === false ? [] : audience;
  if (only === undefined || another !== undefined || !URL.canParse(only)) return undefined;
  const { protocol, origin } = new URL(only);
  return /^https?:$/.test(protocol) ? origin : undefined;
}
