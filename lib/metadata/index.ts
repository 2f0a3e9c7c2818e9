import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Next } from '../core/next.js';
import { optionError, rejectMountedFactory } from '../core/option-error.js';
import { answer } from '../middleware/challenge.js';
import { forwardError, type Gate, whenSettled } from '../middleware/gate.js';
import { entranceOf } from '../middleware/handler.js';
import { targetOf } from '../middleware/request-target.js';
import type { SeveralServers, TokenIntrospection } from '../middleware/types.js';
import { readOptions } from '../options/rules.js';
import { createDocument, describeResource, type MetadataDocument } from './document.js';
import { locationOf } from './location.js';
import type { ResourceMetadata } from './members.js';
import { PUBLISHING_RULES } from './rules.js';
import { createSigner, type SignedMetadataOptions, type SignMetadata } from './signed.js';

export type { MetadataDocument, ResourceMetadata, SignedMetadataOptions, SignMetadata };

/** How the metadata are published. */
export interface PublishingOptions {
  /** Also sign them, for clients that verify it: with a key, or by a function. Default: not signed. */
  readonly signed?: SignedMetadataOptions | SignMetadata | undefined;
  /** How long they may be kept, in seconds, 0 to 86400. Default 3600. */
  readonly maxAgeSeconds?: number | undefined;
}

/** Middleware that answers for one URL, and lets every other request go on. */
export interface ResourceMetadataHandler {
  (req: IncomingMessage, res: ServerResponse, next?: Next): void;
  /** Where the metadata are, as challenges name it. */
  readonly url: string;
}

const METHODS = 'GET, HEAD, OPTIONS';
const MAX_AGE_SECONDS = 3600;

const CORS = { 'Access-Control-Allow-Origin': '*' };
const PREFLIGHT = { ...CORS, 'Access-Control-Allow-Methods': METHODS, 'Access-Control-Allow-Headers': '*' };

/**
 * Middleware that publishes the metadata of the resource behind a middleware
 * ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)), built from that one's options, at the well-known URL of the resource:
 * for everybody, without credentials. Mount it before authentication. From this call on, challenges of the middleware name the URL
 * as `resource_metadata`, and so do those of all derived from it that have the same `audience` and no `resourceMetadata` of their own.
 *
 * Not checked: that requests for the URL reach this app, and that the authorization servers issue tokens for it.
 *
 * @example
 * app.use(protectedResourceMetadata(authenticate, { scopes_supported: ['reports:read'] }));
 * app.use('/api', authenticate);
 *
 * @throws TypeError for a wrong, unknown, missing or contradictory member or option, naming it
 */
export function protectedResourceMetadata<Claims, ByName extends object>(
  authenticate: TokenIntrospection<Claims> | SeveralServers<ByName>,
  metadata: ResourceMetadata = {},
  options: PublishingOptions = {},
): ResourceMetadataHandler {
  rejectMountedFactory('protectedResourceMetadata', authenticate, 'app.use(protectedResourceMetadata(authenticate))');
  const gate = entranceOf(authenticate);
  if (gate === undefined) throw optionError('authenticate', authenticate, 'write what tokenIntrospection() returned');
  const { signed, maxAgeSeconds = MAX_AGE_SECONDS } = readOptions(options, PUBLISHING_RULES);
  const document = createDocument(metadata, describeResource(gate));
  const sign = signed && createSigner(document, signed);
  const { url, target } = locationOf(document.resource);
  nameInChallenges(gate, url);
  const headers = { ...CORS, 'Cache-Control': `public, max-age=${maxAgeSeconds}` };

  function respond(req: IncomingMessage, res: ServerResponse, next: Next | undefined): void {
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (isRead && sign !== undefined) {
      whenSettled(
        sign(),
        (signed_metadata) => answer(req, res, 200, headers, { ...document, signed_metadata }),
        () => {},
        (error) => forwardError(error, { req, res, next }),
      );
    } else if (isRead) {
      answer(req, res, 200, headers, document);
    } else if (req.method === 'OPTIONS') {
      answer(req, res, 204, { ...PREFLIGHT, Allow: METHODS }, undefined);
    } else {
      answer(req, res, 405, { ...CORS, Allow: METHODS, 'Cache-Control': 'no-store' }, {});
    }
  }

  function protectedResourceMetadataHandler(req: IncomingMessage, res: ServerResponse, next?: Next): void {
    const isElsewhere = targetOf(req).path !== target;
    if (isElsewhere && next !== undefined) {
      next();
      return;
    }
    try {
      if (isElsewhere) answer(req, res, 404, { 'Cache-Control': 'no-store' }, {});
      else respond(req, res, next);
    } catch (error) {
      forwardError(error, { req, res, next });
    }
  }

  return Object.assign(protectedResourceMetadataHandler, { url });
}

/** @throws TypeError where challenges name another */
function nameInChallenges(gate: Gate, url: string): void {
  const { resourceMetadata } = gate.demands;
  if (resourceMetadata !== undefined && resourceMetadata !== url) {
    throw optionError('resourceMetadata', resourceMetadata, `leave it out, or write '${url}': the metadata are there`);
  }
  if (gate.metadataUrl !== undefined && gate.metadataUrl !== url) {
    throw optionError(
      'metadata.resource',
      url,
      'this middleware stands before another resource already; derive one for this by with()',
    );
  }
  gate.metadataUrl = url;
}
