import type { ClientAuth } from '../core/client-auth.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { printable } from '../diagnostics/printable.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { type Secret, signWithSecret } from './secret.js';
import { writeAssertion } from './write-assertion.js';

/** Options of `clientSecretJwt()`. */
export interface ClientSecretJwtOptions {
  /** Client identifier of this API at the authorization server. Required. */
  readonly clientId: string | undefined;
  /**
   * Client secret, or a function that returns the current secret. The function is called for every attempt to send an introspection
   * request.
   */
  readonly clientSecret: Secret;
  /**
   * Signing algorithm. Default: `HS256`. If the metadata of an `authorizationServer` list algorithms, the default is the first of `HS256`,
   * `HS384` and `HS512` that is in the list.
   */
  readonly alg?: 'HS256' | 'HS384' | 'HS512' | undefined;
  /** Recipient of the assertion. Default: the issuer of the authorization server; some servers require the URL of an endpoint instead. */
  readonly audience?: string | undefined;
}

const ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512'];

/**
 * Client authentication with a JWT that the client secret signs (`client_secret_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)). The secret itself is not sent.
 *
 * @throws TypeError when an option is missing, unknown or wrong. If `clientSecret` is a function that fails or returns a wrong secret,
 * nothing is thrown here, and the client's request gets a 503
 */
export function clientSecretJwt(options: ClientSecretJwtOptions): ClientAuth {
  requireOptions(options, ['clientId', 'clientSecret', 'alg', 'audience']);
  const { clientSecret, alg, audience, clientId: configuredId } = ownMembers(options);
  const clientId = requireClientId(configuredId);
  requireAudience(audience);
  if (alg !== undefined && !ALGORITHMS.includes(alg))
    throw optionError('alg', alg, `write one of ${ALGORITHMS.join(', ')}`);
  return {
    identity: `client:${clientId}`,
    clientId,
    methods: ['client_secret_jwt'],
    needsIssuer: audience === undefined,
    sign: signWithSecret({
      call: `clientSecretJwt({ clientId: '${printable(clientId)}', clientSecret })`,
      argument: 'secret',
      secret: clientSecret,
      prepare: (secret) => ({
        algorithms: alg === undefined ? ALGORITHMS : [alg],
        key: Buffer.from(secret, 'utf8'),
      }),
      write: (request, key) => writeAssertion(request, { clientId, audience }, key),
    }),
  };
}
