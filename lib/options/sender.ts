import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.js';
import { optionError } from '../core/option-error.js';
import { requireSynchronous } from '../core/synchronous.js';
import type { Policy } from '../policy.js';
import { type ClientCertificate, thumbprintOf } from '../verification/sender/certificate.js';
import { createDpopVerifier } from '../verification/sender/dpop.js';
import { createNonces } from '../verification/sender/dpop-nonce.js';
import { createReplayGuard, type ReplayGuard } from '../verification/sender/replay.js';
import { DPOP_RULES, readOptions } from './rules.js';
import type { DpopOptions, PolicyOptions } from './types.js';

/** What policies of one introspector share. */
export interface SenderContext {
  readonly clock: Clock;
  /** Remembers which DPoP proofs were used, unless the option `dpop.replayStore` names another store. */
  readonly replay: ReplayGuard;
}

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];

const NO_OPTIONS: DpopOptions = Object.freeze(Object.create(null));

const SECOND = 1000;

/**
 * @param wasRequired whether the middleware that this one derives from demands DPoP. Only `required: false` takes that back.
 * @throws TypeError
 */
export function parseDpop(
  given: PolicyOptions['dpop'],
  audience: readonly string[] | false,
  { clock, replay }: SenderContext,
  wasRequired = false,
): Pick<Policy, 'dpop' | 'dpopOrigin'> {
  if (given === undefined || given === false) return { dpop: undefined, dpopOrigin: undefined };
  const options = given === true ? NO_OPTIONS : readOptions(given, DPOP_RULES, 'dpop.');
  const { algorithms = ALGORITHMS, origin = originOf(audience), nonce = false, maxAgeSeconds = 60 } = options;
  const { required: isRequired = wasRequired } = options;
  if (origin === undefined) {
    throw optionError('dpop.origin', origin, "write the origin that clients ask, such as 'https://api.example.com'");
  }
  const secrets = typeof nonce === 'object' ? [...(nonce.secrets as readonly string[])] : [randomBytes(32)];
  const dpop = createDpopVerifier({
    algorithms: Object.freeze([...algorithms]),
    isRequired,
    maxAgeMs: maxAgeSeconds * SECOND,
    nonces: nonce === false ? undefined : createNonces(secrets, clock),
    replay: options.replayStore === undefined ? replay : createReplayGuard(clock, options.replayStore),
    clock,
  });
  return { dpop, dpopOrigin: origin };
}

export function parseMtls(given: PolicyOptions['mtls']): Policy['certificateThumbprint'] {
  if (given === undefined || given === false) return undefined;
  if (given === true) return (req) => thumbprintOf(peerCertificate(req));
  return (req) => thumbprintOf(requireSynchronous('mtls.certificate', given.certificate(req)));
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
