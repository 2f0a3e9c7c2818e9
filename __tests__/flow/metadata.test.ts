import type { RequestListener } from 'node:http';
import { protectedResourceMetadata } from '../../lib/metadata/index.js';
import { createApp, createAuthenticate } from '../support/api.js';
import { createEndpoint } from '../support/endpoint.js';
import { serve } from '../support/serve.js';

const SERVER = 'https://as.example.com';

/** An API on loopback whose resource identifier is its real address. */
async function createSetup(path: string) {
  let app: RequestListener | undefined;
  const { url } = await serve((req, res) => app?.(req, res));
  const resource = `${url}${path}`;
  const authenticate = createAuthenticate(await createEndpoint({ active: false }), {
    audience: resource,
    resourceMetadata: true,
  });
  const metadata = protectedResourceMetadata(authenticate, { authorization_servers: [SERVER] });
  app = createApp(metadata, authenticate).app as RequestListener;
  return { resource, metadata };
}

describe.each(['', '/', '/mcp', '/v1/reports', '/v1?k=1'])('the metadata of a resource at "%s"', (path) => {
  it('are found and accepted by oauth4webapi', async () => {
    const oauth = await import('oauth4webapi');
    const { resource } = await createSetup(path);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const response = await oauth.resourceDiscoveryRequest(new URL(resource), insecure);
    const found = await oauth.processResourceDiscoveryResponse(new URL(resource), response);
    expect(found).toMatchObject({ resource, authorization_servers: [SERVER] });
  });

  it('are found through the challenge and accepted by an MCP client', async () => {
    const mcp = await import('@modelcontextprotocol/client');
    const { resource, metadata } = await createSetup(path);
    const { resourceMetadataUrl, error } = mcp.extractWWWAuthenticateParams(await fetch(resource));
    expect([resourceMetadataUrl?.href, error]).toEqual([metadata.url, undefined]);
    const found = await mcp.discoverOAuthProtectedResourceMetadata(resource, {
      ...(resourceMetadataUrl && { resourceMetadataUrl }),
    });
    expect(found).toMatchObject({ resource, authorization_servers: [SERVER] });
    expect(mcp.checkResourceAllowed({ requestedResource: resource, configuredResource: found.resource })).toBe(true);
  });

  it('are found without the challenge by an MCP client', async () => {
    const mcp = await import('@modelcontextprotocol/client');
    const { resource } = await createSetup(path);
    expect(await mcp.discoverOAuthProtectedResourceMetadata(resource)).toMatchObject({ resource });
  });
});
