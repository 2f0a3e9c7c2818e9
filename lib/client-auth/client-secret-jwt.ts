import type { ClientAuth } from '../core/client-auth.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { printable } from '../diagnostics/printable.js';
import { writeAssertion } from './client-assertion.js';
import { requireAudience, requireClientId, requireOptions } from './client-identifier.js';
import { type Secret, signWithSecret } from './secret.js';

/** What `clientSecretJwt()` takes. */
export interface ClientSecretJwtOptions {
  /** The identifier of the client that this API is at the server. Required. */
  readonly clientId: string | undefined;
  /** The secret, or a function that returns the current one; it is called for every attempt. */
  readonly clientSecret: Secret;
  /** Default `HS256`, or another of the three where the metadata of an `authorizationServer` advertise that alone. */
  readonly alg?: 'HS256' | 'HS384' | 'HS512' | undefined;
  /** Who the assertion is for. Default the authorization server's issuer; some servers want the endpoint instead. */
  readonly audience?: string | undefined;
}

const ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512'];

/**
 * A JWT signed with the client secret (`client_secret_jwt` of OpenID Connect Core section 9,
 * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)): the secret itself does not travel.
 *
 * @throws TypeError when an option is missing, unknown or wrong; a function's failure is a 503 instead
 */
export function clientSecretJwt(options: ClientSecretJwtOptions): ClientAuth {
  requireOptions(options, ['clientId', 'clientSecret', 'alg', 'audience']);
  const { clientSecret, alg, audience, clientId: given } = ownMembers(options);
  const clientId = requireClientId(given);
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
