import type { Remedy } from './remedy.js';

/** Remedies for the code `credentials_unavailable`. */
export const CREDENTIAL_REMEDIES: readonly Remedy[] = [
  [
    ['the endpoint does not take'],
    'This key cannot sign with any algorithm in the metadata. Use another key, or configure the server to list an algorithm of this key.',
  ],
  [
    ['the assertion has expired'],
    'The assertion has expired. Check that the cluster, agent or function renews the assertion, and that the clock of this machine is right.',
  ],
  [
    ['the assertion cannot be read'],
    'The file with the assertion cannot be read. Check its path and permissions, and that the file is mounted.',
  ],
  [
    ['the assertion is not a JWT'],
    'The file or function of "assertion" must provide a JWT with exp (RFC 7523 section 3), and nothing else.',
  ],
  [[], 'The function that provides the secret, key or certificate failed. Look for the cause in this function.'],
];
