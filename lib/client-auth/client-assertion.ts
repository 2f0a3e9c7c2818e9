import type { ClientAuth } from '../core/client-auth.js';
import { secretError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { createAssertionFile } from './assertion-file.js';
import type { TokenSource } from './bearer-token.js';
import { requireClientId, requireOptions } from './client-identifier.js';
import { JWT_SHAPE, parseAssertion } from './issued-assertion.js';
import { JWT_BEARER } from './write-assertion.js';

/** Options of `clientAssertion()`. */
export interface ClientAssertionOptions {
  /**
   * Client identifier of this API at the authorization server, sent as `client_id`. Default: no `client_id` is sent, and the server finds
   * the client by the assertion ([RFC 7521 section 4.2](https://www.rfc-editor.org/rfc/rfc7521#section-4.2)). Without a `clientId`, a
   * `cache.store` needs `cache.namespace`.
   */
  readonly clientId?: string | undefined;
  /**
   * Path of a file that holds the assertion, or a function that returns the current assertion. The file is read, and the function is
   * called, for every attempt to send an introspection request, and once more after a 401. The time for this counts towards `timeoutMs`.
   * Required.
   */
  readonly assertion: string | TokenSource | undefined;
  /**
   * Value of the parameter `client_assertion_type`. Default: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, for a JWT of
   * [RFC 7523](https://www.rfc-editor.org/rfc/rfc7523). For a SPIFFE JWT-SVID, some servers require
   * `urn:ietf:params:oauth:client-assertion-type:jwt-spiffe`.
   */
  readonly assertionType?: string | undefined;
}

/**
 * Client authentication with a JWT that another party issues to this API
 * ([RFC 7523 section 2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)), so that this API keeps no secret: a projected service
 * account token of Kubernetes, a JWT-SVID of SPIFFE, or a token of a cloud's workload identity.
 *
 * A JWT without `exp`, or with an `exp` in the past, is never sent. If `assertion` is the path of a file, the file may be unreadable for a
 * while, or may not hold a JWT that can be sent, for example because it is being written. In that case, the JWT that was read before is
 * sent until it expires. If there is no JWT to send, the client's request gets a 503 `credentials_unavailable`. The detail of the error
 * names the file only by the last part of its path.
 *
 * Not checked: signature, `iss`, `sub` and `aud` of the JWT. The authorization server checks them.
 *
 * @throws TypeError when an option is missing, unknown or wrong, or when `assertion` is a JWT itself, because it would expire
 */
export function clientAssertion(options: ClientAssertionOptions): ClientAuth {
  requireOptions(options, ['clientId', 'assertion', 'assertionType']);
  const { clientId: configuredId, assertion, assertionType = JWT_BEARER } = ownMembers(options);
  const clientId = configuredId === undefined ? undefined : requireClientId(configuredId);
  if (typeof assertionType !== 'string' || assertionType === '') {
    throw secretError('assertionType', assertionType, 'write the client_assertion_type that the server requires');
  }
  const current = sourceOf(assertion);
  return {
    identity: clientId === undefined ? undefined : `client:${clientId}`,
    clientId,
    async sign({ parameters, refused }) {
      parameters.client_assertion = await current({ refused });
      parameters.client_assertion_type = assertionType;
      if (clientId !== undefined) parameters.client_id = clientId;
    },
  };
}

function sourceOf(assertion: ClientAssertionOptions['assertion']): TokenSource {
  if (typeof assertion === 'function') {
    return async (request) => parseAssertion(await assertion(request), Date.now()).assertion;
  }
  if (typeof assertion !== 'string' || assertion === '') {
    throw secretError('assertion', assertion, 'write the path of a file, or a function that returns a JWT');
  }
  if (assertion.startsWith('eyJ') && JWT_SHAPE.test(assertion.trim())) {
    throw secretError('assertion', assertion, 'write a function that returns the current JWT, because each expires');
  }
  return createAssertionFile(assertion);
}
