import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate and its private key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const run = promisify(execFile);

const CONFIG = `
[req]
distinguished_name = subject
prompt = no
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
`;

/**
 * Creates a certificate that is valid for two days, with the `openssl` command, because Node cannot create certificates. It is signed
 * by the authority, or self-signed without one.
 */
export async function createCertificate(
  use: 'authority' | 'server' | 'client',
  name: string,
  authority?: Certificate,
): Promise<Certificate> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  const at = (file: string) => join(folder, file);
  try {
    await Promise.all([writeFile(at('config'), CONFIG), writeFile(at('key'), key)]);
    if (authority !== undefined) {
      await Promise.all([writeFile(at('ca'), authority.cert), writeFile(at('ca-key'), authority.key)]);
    }
    const by = authority === undefined ? [] : ['-CA', at('ca'), '-CAkey', at('ca-key')];
    const options = ['-config', at('config'), '-extensions', use, '-subj', `/CN=${name}`, '-days', '2', '-sha256'];
    await run('openssl', ['req', '-x509', '-new', '-key', at('key'), ...by, ...options, '-out', at('cert')]);
    return { cert: await readFile(at('cert'), 'utf8'), key };
  } finally {
    await rm(folder, { recursive: true });
  }
}
