import { inspect } from 'node:util';
import { Agent } from 'undici';
import { type TlsClientAuthOptions, tlsClientAuth, tokenIntrospection } from '../../lib/index.js';
import { SELF_SIGNED } from '../support/certificate.js';
import { createCertificate } from '../support/certificates.js';
import { ISSUER, signed } from '../support/signed.js';

const { cert, key } = SELF_SIGNED;
const PEM_REMEDY = 'write PEM, as a string or a Buffer';
const PAIR_REMEDY = 'write a certificate and the private key that belongs to it, both as PEM';
const CA_REMEDY = 'write PEM, as a string or a Buffer, or a list of them';

function create(options: Partial<TlsClientAuthOptions> = {}) {
  return tlsClientAuth({ clientId: 'api', cert, key, ...options });
}

/** TLS material of a new connection. */
async function materialOf(options: Partial<TlsClientAuthOptions>): Promise<unknown> {
  const { connect } = create(options);
  return typeof connect === 'function' ? connect() : connect;
}

describe('tlsClientAuth', () => {
  it('adds only client_id to the request', async () => {
    expect(await signed(create())).toEqual({ headers: {}, parameters: { client_id: 'api' } });
  });

  it.each<[string, Partial<TlsClientAuthOptions>, object]>([
    ['text', {}, { cert, key }],
    ['bytes', { cert: Buffer.from(cert), key: Buffer.from(key) }, { cert: Buffer.from(cert), key: Buffer.from(key) }],
    ['an authority', { ca: cert }, { cert, key, ca: [cert] }],
    ['authorities', { ca: [cert, Buffer.from(cert)] }, { cert, key, ca: [cert, Buffer.from(cert)] }],
    ['a chain', { cert: `${cert}\n${cert}` }, { cert: `${cert}\n${cert}`, key }],
    ['functions', { cert: () => cert, key: async () => key }, { cert, key }],
    ['a function and a value', { cert: async () => cert, key, ca: cert }, { cert, key, ca: [cert] }],
    ['a value and a function', { key: () => Buffer.from(key) }, { cert, key: Buffer.from(key) }],
  ])('connects with %s', async (_, options, material) => {
    expect(await materialOf(options)).toEqual(material);
  });

  it('calls its functions for each new connection, and not before', async () => {
    const certs = jest.fn<string, []>(() => cert);
    const keys = jest.fn<string, []>(() => key);
    const { connect } = create({ cert: certs, key: keys });
    expect([certs.mock.calls.length, keys.mock.calls.length]).toEqual([0, 0]);
    for (const times of [1, 2]) {
      if (typeof connect === 'function') await connect();
      expect([certs.mock.calls.length, keys.mock.calls.length]).toEqual([times, times]);
    }
  });

  it('fails to connect when a function fails', async () => {
    const failure = new Error('the vault is locked');
    await expect(materialOf({ key: () => Promise.reject(failure) })).rejects.toBe(failure);
    await expect(
      materialOf({
        cert() {
          throw failure;
        },
      }),
    ).rejects.toBe(failure);
  });

  it.each<[string, Partial<Record<keyof TlsClientAuthOptions | 'pfx', unknown>>, string]>([
    ['no certificate', { cert: undefined }, `Option "cert" is missing; ${PEM_REMEDY}`],
    ['an empty certificate', { cert: '' }, `Option "cert" is an empty string; ${PEM_REMEDY}`],
    [
      'a certificate without bytes',
      { cert: Buffer.alloc(0) },
      `Option "cert" is an object that cannot be used; ${PEM_REMEDY}`,
    ],
    [
      'a certificate that is garbage',
      { cert: 'hush' },
      `Option "cert" is a string that cannot be used; ${PAIR_REMEDY}`,
    ],
    ['no key', { key: undefined }, `Option "key" is missing; ${PEM_REMEDY}`],
    ['a key that is a number', { key: 8_675_309 }, `Option "key" is an object that cannot be used; ${PEM_REMEDY}`],
    ['a key that is garbage', { key: 'hush' }, `Option "cert" is a string that cannot be used; ${PAIR_REMEDY}`],
    ['a list of keys', { key: [key] }, `Option "key" is a list; ${PEM_REMEDY}`],
    ['an empty authority', { ca: '' }, `Option "ca" is an empty string; ${CA_REMEDY}`],
    ['an authority that is none', { ca: [cert, 7] }, `Option "ca" is a list; ${CA_REMEDY}`],
    ['null for an authority', { ca: null }, `Option "ca" is null; ${CA_REMEDY}`],
    [
      'no client',
      { clientId: undefined },
      'Option "clientId" is missing; write the client identifier, a non-empty string',
    ],
    [
      'an option it does not know',
      { pfx: 'hush' },
      'Option "pfx" is not known here; write one of clientId, cert, key, ca',
    ],
  ])('rejects %s', (_, options, message) => {
    expect(() => create(options as Partial<TlsClientAuthOptions>)).toThrow(new TypeError(message));
  });

  it('rejects the key of another certificate without showing it', async () => {
    const other = await createCertificate('client', 'other');
    expect(() => create({ key: other.key })).toThrow(
      new TypeError(`Option "cert" is a string that cannot be used; ${PAIR_REMEDY}`),
    );
  });

  it.each([undefined, null, 'cert'])('rejects options that are %p', (options) => {
    expect(() => tlsClientAuth(options as never)).toThrow(TypeError);
  });

  it('rejects a dispatcher next to it, which has its own connections', async () => {
    const dispatcher = new Agent();
    const options = { endpoint: `${ISSUER}/introspect`, audience: false, clientAuth: create() } as const;
    expect(() => tokenIntrospection({ ...options, dispatcher })).toThrow(
      new TypeError(
        'Option "dispatcher" is an object that cannot be used; leave it out: "clientAuth" opens connections of its own, with its TLS material',
      ),
    );
    expect(() => tokenIntrospection(options)).not.toThrow();
    await dispatcher.close();
  });

  it('has the client in its identity', () => {
    expect(create().identity).toBe('client:api');
  });

  it('shows no key', () => {
    const lines = key.split('\n').slice(1, -1);
    for (const clientAuth of [create(), create({ key: () => key })]) {
      const shown = inspect(clientAuth, { depth: Infinity, showHidden: true }) + JSON.stringify(clientAuth);
      for (const line of lines) expect(shown).not.toContain(line);
    }
  });
});
