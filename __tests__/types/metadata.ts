// Compiled, never run. Checks the options of the resource metadata, and where they can be mounted.
import { createServer } from 'node:http';
import connect from 'connect';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';
import { clientSecretBasic, tokenIntrospection } from '../../lib/index.js';
import {
  type MetadataDocument,
  type PublishingOptions,
  protectedResourceMetadata,
  type ResourceMetadata,
} from '../../lib/metadata/index.js';

const authenticate = tokenIntrospection({
  authorizationServer: 'https://as.example.com',
  clientAuth: clientSecretBasic('api', process.env.CLIENT_SECRET),
  audience: 'https://api.example.com',
  claims: z.object({ tenant: z.string() }),
});

export function canBeMounted() {
  const metadata = protectedResourceMetadata(authenticate) satisfies RequestHandler;
  const url: string = metadata.url;
  return [url, express().use(metadata), connect().use(metadata), createServer(metadata)];
}

export const acceptsADerivedMiddleware = protectedResourceMetadata(
  authenticate.with({ audience: 'https://b.example.com' }),
);

export const members: ResourceMetadata = {
  resource: undefined,
  authorization_servers: ['https://as.example.com'],
  scopes_supported: ['read'] as const,
  bearer_methods_supported: ['header', 'body', 'query'],
  resource_name: 'Reports',
  'resource_name#de': 'Berichte',
  'resource_tos_uri#pt-BR': 'https://example.com/tos',
};

export const signing: PublishingOptions[] = [
  {},
  { signed: { key: process.env.METADATA_KEY, alg: 'ES256', keyId: 'a', issuer: 'https://example.com' } },
  { signed: (metadata: MetadataDocument) => metadata.resource, maxAgeSeconds: 60 },
  { signed: async () => 'a.b.c' },
];

export function rejectsMembersThatFollowFromTheOptions() {
  // @ts-expect-error it follows from the options of the middleware
  protectedResourceMetadata(authenticate, { dpop_signing_alg_values_supported: ['ES256'] });
  // @ts-expect-error a misspelled member
  protectedResourceMetadata(authenticate, { scope_supported: ['read'] });
  // @ts-expect-error members have the names of the document
  protectedResourceMetadata(authenticate, { scopesSupported: ['read'] });
  // @ts-expect-error there is no such method
  protectedResourceMetadata(authenticate, { bearer_methods_supported: ['cookie'] });
  // @ts-expect-error keys have no language
  protectedResourceMetadata(authenticate, { 'jwks_uri#de': 'https://api.example.com/keys' });
  // @ts-expect-error the name must contain the unit
  protectedResourceMetadata(authenticate, {}, { maxAge: 60 });
  // @ts-expect-error a plain function is not this middleware
  protectedResourceMetadata(() => {});
}
