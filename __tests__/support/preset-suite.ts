import type { Secret, TokenIntrospectionOptions } from '../../lib/index.js';
import type { Preset, PresetOptions } from '../../lib/providers/index.js';
import { recordDecisions } from './decisions.js';
import { createProviderApi, createStandIn, type Documented } from './stand-in.js';

interface ClientOptions extends PresetOptions {
  readonly clientId: string | undefined;
  readonly clientSecret?: Secret;
}

/** One provider's preset and what its document says. */
export interface PresetSubject<Options extends ClientOptions, Returned extends Preset> {
  readonly name: string;
  readonly create: (options: Options) => Returned;
  /** Everything the preset demands, as the provider knows it. */
  readonly credentials: NoInfer<Options>;
  readonly documented: Documented;
  /** What an app of this provider writes beside the preset, and no more: what a preset fixes is left to it. */
  readonly use: (preset: NoInfer<Returned>) => TokenIntrospectionOptions;
  /** Tokens that are let in: what they are, and what a handler then sees. */
  readonly accepted: readonly (readonly [what: string, token: string, auth: object])[];
  /** A token that is let in, wherever it does not matter which. */
  readonly token: string;
  /** A token that the provider says is not active. */
  readonly inactiveToken: string;
  /** Parameters an app may add. */
  readonly furtherParameters: Readonly<Record<string, string>>;
  /** What is returned besides the endpoint, the client authentication, the headers and the parameters. */
  readonly fixed?: object;
}

/** What a caller sees of every preset, whoever the provider is. */
export function describePreset<Options extends ClientOptions, Returned extends Preset>(
  subject: PresetSubject<Options, Returned>,
): void {
  const { name, create, credentials, documented, use, token } = subject;
  const [refusedWith, refusal] = documented.refuseClient;

  describe(`${name}, like every preset,`, () => {
    it.each(subject.accepted)(
      'answers 200 with the documented claims of %s, having asked as documented',
      async (_what, accepted, auth) => {
        const standIn = await createStandIn(documented);
        const api = createProviderApi(standIn, use(create(credentials)));
        const response = await api.get(accepted).expect(200);
        expect(response.body).toEqual({ auth });
        expect([standIn.refused, standIn.asked.length]).toEqual([[], 1]);
      },
    );

    it('takes its secret from a function too, each time anew', async () => {
      const standIn = await createStandIn(documented);
      const { clientSecret = '' } = credentials;
      const vault = jest.fn(async () => String(clientSecret));
      const api = createProviderApi(standIn, { ...use(create({ ...credentials, clientSecret: vault })), cache: false });
      const isPublic = clientSecret === '';
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

    it.each([
      ['a wrong secret', { ...credentials, clientSecret: 'old' }],
      ['another client', { ...credentials, clientId: 'other' }],
    ])(
      `answers 503 and never invalid_token when %s is refused with ${refusedWith} ${JSON.stringify(refusal)}`,
      async (_what, refused) => {
        const standIn = await createStandIn(documented);
        const api = createProviderApi(standIn, use(create(refused)));
        const response = await api.get(token).expect(503);
        expect(response.headers).toMatchObject({ 'retry-after': '1', 'cache-control': 'no-store' });
        expect(response.headers).not.toHaveProperty('www-authenticate');
        expect(response.text).not.toContain('invalid_token');
        expect(api.errors).toMatchObject([{ code: 'client_rejected' }]);
        expect([standIn.refused.length, api.reached()]).toEqual([1, 0]);
      },
    );

    it.each(['x-request-source', 'X-Request-Source', 'X-REQUEST-SOURCE'])(
      'sends further parameters and the further header %s beside its own',
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

    it.each([
      ['clientId', undefined],
      ['clientId', ''],
      ['clientSecret', undefined],
      ['clientSecret', ''],
    ])('throws a TypeError that names "%s" when it is %j', (option, value) => {
      const attempt = () => create({ ...credentials, [option]: value });
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(`"${option}"`);
    });

    it.each([
      ['scopes', ['admin']],
      ['audience', 'reports'],
    ])('throws a TypeError for the option "%s", which it does not know, rather than drop it', (option, value) => {
      const attempt = () => create({ ...credentials, [option]: value });
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(`"${option}"`);
    });

    it('returns options and nothing else', () => {
      expect(create(credentials)).toEqual({
        endpoint: documented.url,
        clientAuth: expect.objectContaining({ identity: `client:${credentials.clientId}` }),
        headers: documented.headers ?? {},
        parameters: {},
        ...subject.fixed,
      });
    });
  });
}
