import type { ClientAuth } from '../../lib/index.js';

/** What a client authentication adds to an empty request. */
export async function signed(
  clientAuth: ClientAuth,
): Promise<{ headers: Record<string, string>; parameters: Record<string, string> }> {
  const headers: Record<string, string> = {};
  const parameters: Record<string, string> = {};
  await clientAuth.sign({ endpoint: 'https://as.example.com/introspect', headers, parameters });
  return { headers, parameters };
}
