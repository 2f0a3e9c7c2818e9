import type { UserAgent } from './user-agent.js';

const REDIRECT_URI = 'http://127.0.0.1:9/callback';

/** The state that an MCP client stores for one server. It is empty at first. */
export function createProvider() {
  const kept: {
    client?: Record<string, unknown>;
    tokens?: Record<string, unknown>;
    verifier?: string;
    discovery?: object;
    url?: URL;
  } = {};
  return {
    kept,
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'test',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.client as never,
    saveClientInformation: (client: object) => void Object.assign(kept, { client }),
    tokens: () => kept.tokens as never,
    saveTokens: (tokens: object) => void Object.assign(kept, { tokens }),
    redirectToAuthorization: (url: URL) => void Object.assign(kept, { url }),
    saveCodeVerifier: (verifier: string) => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept.verifier ?? '',
    saveDiscoveryState: (discovery: object) => void Object.assign(kept, { discovery }),
    discoveryState: () => kept.discovery as never,
  };
}

export type Provider = ReturnType<typeof createProvider>;

/** Logs in as alice at the address that the client was sent to. Returns the parameters of the request and of the response. */
export async function login(agent: UserAgent, { kept }: Provider) {
  const { url } = kept;
  if (url === undefined) throw new Error('The client was not redirected');
  delete kept.url;
  const { searchParams: answer } = await agent.authorize(url, 'alice');
  if (!answer.has('code')) throw new Error(`No code: ${answer}`);
  return { asked: url.searchParams, answer };
}
