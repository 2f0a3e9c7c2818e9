import { inspect } from 'node:util';
import type { TokenIntrospectionOptions } from '../../lib/index.js';
import type { Preset, PresetOptions } from '../../lib/providers/index.js';
import { recordDecisions } from './decisions.js';
import { createProviderApi, createStandIn, type Documented } from './stand-in.js';

/** Options for client authentication at providers. */
interface ClientOptions extends PresetOptions {
  readonly clientId?: string | undefined;
  readonly clientSecret?: unknown;
  readonly apiKey?: unknown;
}

/** A provider's preset, and requests and responses from its document. */
export interface PresetSubject<Options extends ClientOptions, Returned extends Preset> {
  readonly name: string;
  readonly create: (options: Options) => Returned;
  /** All required options of the preset, with the values that the provider expects. */
  readonly credentials: NoInfer<Options>;
  /** Name of the secret option. Default `clientSecret`, which is used with `clientId`. Any other is used without an id. */
  readonly secret?: 'clientSecret' | 'apiKey';
  /** Name of the option that is a base URL, if there is one. */
  readonly baseUrl?: string;
  readonly documented: Documented;
  /** Options that an app adds to the preset. Options that the preset sets are left to it. */
  readonly use: (preset: NoInfer<Returned>) => TokenIntrospectionOptions;
  /** Accepted tokens: a description, and the claims that a handler gets. */
  readonly accepted: readonly (readonly [what: string, token: string, auth: object])[];
  /** An accepted token, for tests that need any. */
  readonly token: string;
  /** A token that the provider reports as inactive. */
  readonly inactiveToken: string;
  /** Parameters that an app may add. */
  readonly furtherParameters: Readonly<Record<string, string>>;
  /** Options that the preset returns, other than endpoint, client authentication, headers and parameters. */
  readonly fixed?: object;
}

/** Tests that every preset must pass. */
export function describePreset<Options extends ClientOptions, Returned extends Preset>(
  subject: PresetSubject<Options, Returned>,
): void {
  const { name, create, credentials, documented, use, token, secret = 'clientSecret', baseUrl } = subject;
  const [refusedWith, refusal] = documented.refuseClient;
  const known = secret === 'clientSecret' ? ['clientId', secret] : [secret];
  const secretValue = String(credentials[secret] ?? '');
  // Some providers respond to a wrong client as they do to an invalid token. These cases cannot be distinguished.
  const saysRefusal = refusedWith !== 200;

  describe(`${name}, as every preset,`, () => {
    it.each(subject.accepted)(
      'answers 200 with the documented claims of %s after the documented request',
      async (_what, accepted, auth) => {
        const standIn = await createStandIn(documented);
        const api = createProviderApi(standIn, use(create(credentials)));
        const response = await api.get(accepted).expect(200);
        expect(response.body).toEqual({ auth });
        expect([standIn.refused, standIn.asked.length]).toEqual([[], 1]);
      },
    );

    it('calls a function for the secret with every request', async () => {
      const standIn = await createStandIn(documented);
      const vault = jest.fn(async () => secretValue);
      const api = createProviderApi(standIn, { ...use(create({ ...credentials, [secret]: vault })), cache: false });
      const isPublic = secretValue === '';
      for (let calls = 1; calls <= 2; calls++) {
        await api.get(token).expect(isPublic ? 503 : 200);
        expect(vault).toHaveBeenCalledTimes(calls);
      }
      expect(standIn.refused).toEqual([]);
    });

    it('answers 401 invalid_token for a token that is not active', async () => {
      const decisions = recordDecisions();
      const standIn = await createStandIn(documented);
      const api = createProviderApi(standIn, use(create(credentials)));
      const response = await api.get(subject.inactiveToken).expect(401);
      expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
      expect(decisions).toMatchObject([{ outcome: 'rejected', status: 401, reason: 'inactive' }]);
      expect([standIn.refused, api.reached()]).toEqual([[], 0]);
    });

    it.each(known)(
      `answers ${saysRefusal ? '503 and never invalid_token' : '401'} when a wrong "%s" is rejected with ${refusedWith} ${JSON.stringify(refusal)}`,
      async (option) => {
        const standIn = await createStandIn(documented);
        const api = createProviderApi(standIn, use(create({ ...credentials, [option]: 'other' })));
        const response = await api.get(token).expect(saysRefusal ? 503 : 401);
        expect([standIn.refused.length, api.reached()]).toEqual([1, 0]);
        if (!saysRefusal) return;
        expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
        expect(response.headers).not.toHaveProperty('www-authenticate');
        expect(response.text).not.toContain('invalid_token');
        expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
      },
    );

    it('shows its secret nowhere', async () => {
      if (secretValue === '') return;
      const standIn = await createStandIn(documented);
      standIn.answer = (res) => void res.writeHead(500).end();
      const preset = create(credentials);
      const api = createProviderApi(standIn, use(preset));
      await api.get(token).expect(503);
      expect(standIn.refused).toEqual([]);
      expect(api.errors).toHaveLength(1);
      for (const shown of [preset, api.authenticate, api.errors]) {
        expect(inspect(shown, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(secretValue);
      }
    });

    it.each(['x-request-source', 'X-Request-Source', 'X-REQUEST-SOURCE'])(
      'sends additional parameters and the additional header %s with its own',
      async (header) => {
        const headers = { ...documented.headers, 'x-request-source': 'reports' };
        const parameters = { ...documented.parameters, ...subject.furtherParameters };
        const standIn = await createStandIn({ ...documented, headers, parameters });
        const preset = create({
          ...credentials,
          headers: { [header]: 'reports' },
          parameters: subject.furtherParameters,
        });
        await createProviderApi(standIn, use(preset)).get(token).expect(200);
        expect(standIn.refused).toEqual([]);
        expect(preset.headers).toEqual(headers);
      },
    );

    it.each(known.flatMap((option) => [undefined, ''].map((value) => [option, value] as const)))(
      'throws a TypeError that names "%s" when it is %j',
      (option, value) => {
        const attempt = () => create({ ...credentials, [option]: value });
        expect(attempt).toThrow(TypeError);
        expect(attempt).toThrow(`"${option}"`);
      },
    );

    it.each([
      ['scopes', ['admin']],
      ['audience', 'reports'],
    ])('throws a TypeError for the unknown option "%s"', (option, value) => {
      const attempt = () => create({ ...credentials, [option]: value });
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(`"${option}"`);
    });

    it('returns only options', () => {
      expect(create(credentials)).toEqual({
        endpoint: documented.url,
        clientAuth: expect.objectContaining({
          identity:
            secret === 'clientSecret' ? `client:${credentials.clientId}` : expect.not.stringContaining(secretValue),
          sign: expect.any(Function),
        }),
        headers: documented.headers ?? {},
        parameters: {},
        ...subject.fixed,
      });
    });

    if (baseUrl === undefined) return;
    const base = String((credentials as Readonly<Record<string, unknown>>)[baseUrl]);

    it(`appends its endpoint to any path of "${baseUrl}", with or without a slash at the end`, () => {
      const below = documented.url.slice(base.length);
      expect(documented.url).toBe(base + below);
      for (const slash of ['', '/']) {
        expect(create({ ...credentials, [baseUrl]: base + slash }).endpoint).toBe(documented.url);
        const moved = 'https://proxy.example.com:8443/a/b';
        expect(create({ ...credentials, [baseUrl]: moved + slash }).endpoint).toBe(moved + below);
      }
    });

    it.each([
      undefined,
      '',
      'auth.example.com',
      'auth.example.com:8443',
      'ftp://auth.example.com',
      'https://auth.example.com/?tenant=1',
      'https://auth.example.com/#top',
      'https://hunter1@auth.example.com',
      'https://:hunter2@auth.example.com',
    ])(`throws a TypeError that names "${baseUrl}", without showing the credentials, when it is %j`, (value) => {
      const attempt = () => create({ ...credentials, [baseUrl]: value });
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(`Option "${baseUrl}" is `);
      expect(attempt).not.toThrow(/hunter\d/);
    });
  });
}
