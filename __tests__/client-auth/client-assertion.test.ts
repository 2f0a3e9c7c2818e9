import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type ClientAssertionOptions, clientAssertion } from '../../lib/index.js';
import { issueAssertion } from '../support/assertion.js';
import { createFolder } from '../support/command.js';
import { createProjectedVolume } from '../support/projected-volume.js';
import { signed } from '../support/signed.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issue = (sub = 'reports-api', ttlSeconds = 60) => issueAssertion(privateKey, { sub, ttlSeconds });
const jwtOf = (payload: unknown) =>
  `${encode({ alg: 'ES256' })}.${encode(payload)}.${Buffer.from('signature').toString('base64url')}`;

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** A file in a new folder. */
function createFile(text?: string): string {
  const path = join(createFolder(), 'token');
  if (text !== undefined) writeFileSync(path, text);
  return path;
}

const sentBy = async (options: ClientAssertionOptions) =>
  (await signed(clientAssertion(options))).parameters.client_assertion;

describe('clientAssertion', () => {
  it('sends the assertion with its type, and the client identifier', async () => {
    const assertion = await issue();
    expect(await signed(clientAssertion({ clientId: 'reports-api', assertion: () => assertion }))).toEqual({
      headers: {},
      parameters: {
        client_id: 'reports-api',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
    });
  });

  it('sends no client identifier if none is set, and has no identity', async () => {
    const assertion = await issue();
    const clientAuth = clientAssertion({ assertion: async () => assertion });
    expect(Object.keys((await signed(clientAuth)).parameters).sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
    ]);
    expect(clientAuth).toMatchObject({ identity: undefined, clientId: undefined });
  });

  it('names the client as its identity', () => {
    const clientAuth = clientAssertion({ clientId: 'reports-api', assertion: '/var/run/token' });
    expect(clientAuth).toMatchObject({ identity: 'client:reports-api', clientId: 'reports-api' });
  });

  it('sends another type for a JWT-SVID', async () => {
    const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
    const assertion = await issue('spiffe://example.com/reports');
    const { parameters } = await signed(clientAssertion({ assertionType, assertion: () => assertion }));
    expect(parameters).toEqual({ client_assertion_type: assertionType, client_assertion: assertion });
  });

  it('calls a function for each request, and says whether the endpoint has just responded with 401', async () => {
    const assertion = await issue();
    const source = jest.fn<string, [unknown]>(() => assertion);
    const clientAuth = clientAssertion({ assertion: source });
    expect(source).not.toHaveBeenCalled();
    await signed(clientAuth);
    await signed(clientAuth, { refused: true });
    expect(source.mock.calls).toEqual([[{ refused: false }], [{ refused: true }]]);
  });

  it.each(['', '\n', '\r\n', '  '])('reads a file that ends with %j', async (end) => {
    const assertion = await issue();
    expect(await sentBy({ assertion: createFile(assertion + end) })).toBe(assertion);
  });

  it('sends the current assertion after each change of the file', async () => {
    const volume = createProjectedVolume();
    const clientAuth = clientAssertion({ assertion: volume.path });
    for (const sub of ['first', 'second', 'third']) {
      const assertion = await issue(sub);
      volume.write(assertion);
      expect((await signed(clientAuth)).parameters.client_assertion).toBe(assertion);
    }
  });

  it.each<[string, (path: string, fresh: string) => unknown]>([
    ['is missing', (path) => rmSync(path)],
    ['is empty', (path) => writeFileSync(path, '')],
    ['holds the beginning of the next assertion', (path, fresh) => writeFileSync(path, fresh.slice(0, 60))],
    ['holds an expired assertion', (path) => writeFileSync(path, jwtOf({ exp: 1 }))],
    ['is a folder', (path) => [rmSync(path), mkdirSync(path)]],
  ])('sends the assertion that was read before, as long as it is valid, while the file %s', async (_title, change) => {
    const assertion = await issue();
    const fresh = await issue();
    const path = createFile(assertion);
    const clientAuth = clientAssertion({ assertion: path });
    await signed(clientAuth);
    change(path, fresh);
    expect((await signed(clientAuth)).parameters.client_assertion).toBe(assertion);
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    try {
      await expect(signed(clientAuth)).rejects.toMatchObject({ code: 'credentials_unavailable' });
    } finally {
      now.mockRestore();
    }
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, fresh);
    expect((await signed(clientAuth)).parameters.client_assertion).toBe(fresh);
  });

  it('never sends an assertion once exp has passed, to the second', async () => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const assertion = jwtOf({ exp });
    const path = createFile(assertion);
    const now = jest.spyOn(Date, 'now').mockReturnValue(exp * 1000 - 1);
    try {
      for (const source of [path, () => assertion]) {
        const clientAuth = clientAssertion({ assertion: source });
        now.mockReturnValue(exp * 1000 - 1);
        expect((await signed(clientAuth)).parameters.client_assertion).toBe(assertion);
        now.mockReturnValue(exp * 1000);
        await expect(signed(clientAuth)).rejects.toMatchObject({ code: 'credentials_unavailable' });
      }
    } finally {
      now.mockRestore();
    }
  });

  it.each<[string, string, string]>([
    ['nothing', '', 'the assertion is not a JWT with exp: token'],
    ['another text', 'hush-hush', 'the assertion is not a JWT with exp: token'],
    ['an encrypted JWT', 'eyJhbGciOiJSU0EifQ.a.b.c.d', 'the assertion is not a JWT with exp: token'],
    ['two assertions', 'eyJh.eyJl.sig\neyJh.eyJl.sig', 'the assertion is not a JWT with exp: token'],
    ['a JWT without exp', jwtOf({ sub: 'hush' }), 'the assertion is not a JWT with exp: token'],
    ['a JWT with a text as exp', jwtOf({ exp: '9999999999' }), 'the assertion is not a JWT with exp: token'],
    ['a JWT whose payload is no JSON', jwtOf('{'), 'the assertion is not a JWT with exp: token'],
    ['a JWT whose payload is null', jwtOf('null'), 'the assertion is not a JWT with exp: token'],
    ['an expired JWT', jwtOf({ exp: 1 }), 'the assertion has expired: token'],
    ['an exp of 0', jwtOf({ exp: 0 }), 'the assertion has expired: token'],
  ])('fails for a file with %s, and shows neither its content nor its folder', async (_title, text, detail) => {
    const path = createFile(text);
    const error = await sentBy({ assertion: path }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'IntrospectionError', code: 'credentials_unavailable', detail });
    expect(inspect(error, { showHidden: true, depth: Number.POSITIVE_INFINITY })).not.toMatch(/hush|eyJ/);
    expect((error as Error).message).not.toContain(path.replace('/token', ''));
  });

  it.each<[string, string, string]>([
    ['does not exist', 'missing', 'the assertion cannot be read: missing, ENOENT'],
    ['is a folder', '', 'the assertion cannot be read: '],
    ['has an unprintable name', 'a\u001b[2J', 'the assertion cannot be read: a\\u001b[2J, ENOENT'],
  ])('fails for a file that %s, and shows only its name', async (_title, name, detail) => {
    const folder = createFolder();
    const error = await sentBy({ assertion: join(folder, name) }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'credentials_unavailable', detail: expect.stringContaining(detail) });
    if (name !== '') expect((error as Error).message).not.toContain(folder);
    expect((error as Error).cause).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['another text', 'hush-hush', 'the assertion is not a JWT with exp'],
    ['undefined', undefined, 'the assertion is not a JWT with exp'],
    ['an expired JWT', jwtOf({ exp: 1 }), 'the assertion has expired'],
  ])('fails for a function that returns %s', async (_title, value, detail) => {
    await expect(sentBy({ assertion: () => value as string })).rejects.toMatchObject({
      code: 'credentials_unavailable',
      detail,
    });
  });

  it.each<[unknown, string]>([
    [{}, '"assertion"'],
    [{ assertion: '' }, '"assertion"'],
    [{ assertion: 7 }, '"assertion"'],
    [{ assertion: 'a', clientId: '' }, '"clientId"'],
    [{ assertion: 'a', assertionType: '' }, '"assertionType"'],
    [{ assertion: 'a', audience: 'b' }, '"audience"'],
    [{ assertion: jwtOf({ exp: 9_999_999_999 }) }, 'write a function that returns the current JWT'],
    [null, '"options"'],
  ])('throws for %j, and names the option', (options, message) => {
    expect(() => clientAssertion(options as ClientAssertionOptions)).toThrow(TypeError);
    expect(() => clientAssertion(options as ClientAssertionOptions)).toThrow(message);
  });

  it('shows the JWT that was passed by mistake in no error', () => {
    const assertion = jwtOf({ exp: 9_999_999_999 });
    expect(() => clientAssertion({ assertion })).not.toThrow(assertion);
  });
});
