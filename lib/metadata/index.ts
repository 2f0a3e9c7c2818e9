import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator } from '../authenticator.js';
import type { Next } from '../core/next.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { targetOf } from '../credentials/request-target.js';
import { authenticatorsOf } from '../middleware/middleware-registry.js';
import { forwardError } from '../middleware/reject.js';
import { respond } from '../middleware/respond.js';
import type { SelectingMiddleware, TokenIntrospection } from '../middleware/types.js';
import { whenSettled } from '../middleware/when-settled.js';
import { metadataUrlOf } from '../options/metadata-url.js';
import { readOptions } from '../options/read-options.js';
import { createDocument, describeResource, type MetadataDocument } from './document.js';
import type { ResourceMetadata } from './members.js';
import { PUBLISHING_RULES } from './rules.js';
import { createSigner, type SignedMetadataOptions, type SignMetadata } from './signed.js';

export type { MetadataDocument, ResourceMetadata, SignedMetadataOptions, SignMetadata };

/** Options of `protectedResourceMetadata()`. */
export interface PublishingOptions {
  /**
   * Also publishes the metadata as a signed JWT, in the member `signed_metadata`. The value is a key with options, or a function that
   * signs. Default: not signed.
   */
  readonly signed?: SignedMetadataOptions | SignMetadata | undefined;
  /** How long clients may cache the metadata after the response, in seconds, 0 to 86400. Default: `3600`. */
  readonly maxAgeSeconds?: number | undefined;
}

/** Middleware that responds to requests for one URL. Every other request goes to `next`, or gets a 404 if there is no `next`. */
export interface ResourceMetadataHandler {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;
  /** URL of the metadata. Challenges contain the same URL. */
  readonly url: string;
}

const METHODS = 'GET, HEAD, OPTIONS';
const MAX_AGE_SECONDS = 3600;

const CORS = { 'Access-Control-Allow-Origin': '*' };
const PREFLIGHT = { ...CORS, 'Access-Control-Allow-Methods': METHODS, 'Access-Control-Allow-Headers': '*' };

/**
 * Creates middleware that publishes the protected resource metadata ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)) of an API. The
 * metadata follow from the options of `authenticate`, the middleware that protects the API, and from the argument `metadata`. The handler
 * responds at the well-known URL of the resource to everyone, without credentials. Mount it before `authenticate`. The option
 * `resourceMetadata` of `authenticate` must be `true` or this URL, so that challenges contain the URL.
 *
 * Not checked: that requests for the URL reach this app, and that the authorization servers issue tokens for this API.
 *
 * @example
 * const authenticate = tokenIntrospection({ …, audience: 'https://api.example.com', resourceMetadata: true });
 * app.use(protectedResourceMetadata(authenticate, { scopes_supported: ['reports:read'] }));
 * app.use('/api', authenticate);
 *
 * @throws TypeError for an invalid, unknown, missing or contradictory member or option; the message names it
 */
export function protectedResourceMetadata<Claims, ServerAuth>(
  authenticate: TokenIntrospection<Claims> | SelectingMiddleware<ServerAuth>,
  metadata: ResourceMetadata = {},
  options: PublishingOptions = {},
): ResourceMetadataHandler {
  rejectMountedFactory('protectedResourceMetadata', authenticate, 'app.use(protectedResourceMetadata(authenticate))');
  const authenticators = authenticatorsOf(authenticate);
  const [first] = authenticators;
  if (first === undefined)
    throw optionError('authenticate', authenticate, 'write the middleware that tokenIntrospection() returned');
  const { signed, maxAgeSeconds = MAX_AGE_SECONDS } = readOptions(options, PUBLISHING_RULES);
  const document = createDocument(metadata, describeResource(authenticators));
  const url = metadataUrlOf(document.resource) as string;
  requireNamedInChallenges(first, url);
  const target = url.slice(new URL(url).origin.length);
  const sign = signed && createSigner(document, signed);
  const headers = { ...CORS, 'Cache-Control': `public, max-age=${maxAgeSeconds}` };

  function handle(req: IncomingMessage, res: ServerResponse, next: Next | undefined): void {
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (isRead && sign !== undefined) {
      whenSettled(
        sign(),
        (signed_metadata) => respond(req, res, 200, headers, { ...document, signed_metadata }),
        () => {},
        (error) => forwardError(error, { req, res, next }),
      );
    } else if (isRead) {
      respond(req, res, 200, headers, document);
    } else if (req.method === 'OPTIONS') {
      respond(req, res, 204, { ...PREFLIGHT, Allow: METHODS }, undefined);
    } else {
      respond(req, res, 405, { ...CORS, Allow: METHODS, 'Cache-Control': 'no-store' }, {});
    }
  }

  function protectedResourceMetadataHandler(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const isOtherUrl = targetOf(req).path !== target;
    if (isOtherUrl && next !== undefined) {
      next();
      return;
    }
    try {
      if (isOtherUrl) respond(req, res, 404, { 'Cache-Control': 'no-store' }, {});
      else handle(req, res, next);
    } catch (error) {
      forwardError(error, { req, res, next });
    }
  }

  return Object.assign(protectedResourceMetadataHandler, { url });
}

/** @throws TypeError unless the challenges of the middleware contain `url`, because clients find the metadata by the URL in challenges */
function requireNamedInChallenges({ policy: { resourceMetadata } }: Authenticator, url: string): void {
  if (resourceMetadata === url) return;
  throw optionError(
    'resourceMetadata',
    resourceMetadata,
    `write '${url}' in tokenIntrospection(): the metadata are published there`,
  );
}
