import type { ClientAuth, IntrospectionRequest } from '../../lib/index.js';

export const ISSUER = 'https://as.example.com';

/** The headers and parameters that a client authentication adds to an empty request. */
export async function signed(
  clientAuth: ClientAuth,
  more: Partial<Pick<IntrospectionRequest, 'issuer' | 'refused' | 'signingAlgorithms'>> = {},
): Promise<{ headers: Record<string, string>; parameters: Record<string, string> }> {
  const headers: Record<string, string> = {};
  const parameters: Record<string, string> = {};
  const attempt = { endpoint: `${ISSUER}/introspect`, issuer: ISSUER, refused: false, ...more };
  await clientAuth.sign({ ...attempt, headers, parameters });
  return { headers, parameters };
}
