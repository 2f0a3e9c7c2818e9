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
import { readOptions } from './read-options.js';
import { DPOP_RULES } from './rules.js';
import type { DpopOptions, PolicyOptions } from './types.js';

/** The parts of an introspector that all its policies share for DPoP. */
export interface SenderContext {
  readonly clock: Clock;
  /**
   * Remembers used DPoP proofs: in `cache.store` if it is set, otherwise in memory. A policy does not use this guard if its option
   * `dpop.replayStore` is set.
   */
  readonly replay: ReplayGuard;
}

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];

const NO_OPTIONS: DpopOptions = Object.freeze(Object.create(null));

const SECOND = 1000;

/**
 * Returns the members of the policy that are about DPoP. They are `undefined` if the option `dpop` is missing or `false`.
 *
 * @param isRequiredByDefault default of `dpop.required`. It is `true` if `with()` was called on a middleware that requires DPoP
 * @throws TypeError for an unknown or invalid option, or if neither `dpop.origin` nor `audience` gives an origin
 */
export function parseDpop(
  option: PolicyOptions['dpop'],
  audience: readonly string[] | false,
  { clock, replay }: SenderContext,
  isRequiredByDefault = false,
): Pick<Policy, 'dpop' | 'dpopOrigin'> {
  if (option === undefined || option === false) return { dpop: undefined, dpopOrigin: undefined };
  const options = option === true ? NO_OPTIONS : readOptions(option, DPOP_RULES, 'dpop.');
  const { algorithms = ALGORITHMS, origin = originOf(audience), nonce = false, maxAgeSeconds = 60 } = options;
  const { required: isRequired = isRequiredByDefault } = options;
  if (origin === undefined) {
    throw optionError('dpop.origin', origin, "write the origin that clients call, such as 'https://api.example.com'");
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

/**
 * Returns a function that reads the thumbprint of a request's client certificate; `undefined` if the option `mtls` is missing or `false`.
 */
export function parseMtls(option: PolicyOptions['mtls']): Policy['certificateThumbprint'] {
  if (option === undefined || option === false) return undefined;
  if (option === true) return (req) => thumbprintOf(peerCertificate(req));
  return (req) => thumbprintOf(requireSynchronous('mtls.certificate', option.certificate(req)));
}

function peerCertificate({ socket }: IncomingMessage): ClientCertificate | undefined {
  return (socket as TLSSocket).getPeerX509Certificate?.();
}

/** Returns the origin of `audience` if `audience` is exactly one `http:` or `https:` URL; otherwise `undefined`. */
function originOf(audience: readonly string[] | false): string | undefined {
  const [only, another] = audience === false ? [] : audience;
  if (only === undefined || another !== undefined || !URL.canParse(only)) return undefined;
  const { protocol, origin } = new URL(only);
  return /^https?:$/.test(protocol) ? origin : undefined;
}
