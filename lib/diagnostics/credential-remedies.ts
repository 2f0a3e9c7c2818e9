import type { Remedy } from './remedy.js';

/** Remedies for the code `credentials_unavailable`. */
export const CREDENTIAL_REMEDIES: readonly Remedy[] = [
  [
    ['the endpoint does not take'],
    'The metadata list no algorithm that this key can sign with. Use another key, or have the server list the algorithm.',
  ],
  [
    ['the assertion has expired'],
    'The assertion has expired. Check that the cluster, agent or function renews it, and that the clock of this machine is right.',
  ],
  [
    ['the assertion cannot be read'],
    'The file with the assertion cannot be read. Check its path, its permissions, and that it is mounted.',
  ],
  [
    ['the assertion is not a JWT'],
    'The file or function of "assertion" must provide a JWT with exp (RFC 7523 section 3), and nothing else.',
  ],
  [[], 'The function that provides the secret, key or certificate failed. Check why.'],
];
