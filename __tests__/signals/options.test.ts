import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { parseSignalOptions, type SignalOptions } from '../../lib/signals/options.js';
import { EVENT_RULES, POLLING_RULES } from '../../lib/signals/rules.js';
import { createRecorder, ISSUER } from '../support/signals.js';
import { createIssuerKey, signToken } from '../support/transmitter.js';

const ec = (namedCurve: string) => () => generateKeyPairSync('ec', { namedCurve });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa = () => RSA;
const ed25519 = () => generateKeyPairSync('ed25519');

const KEY = createIssuerKey();
const OPTIONS: SignalOptions = {
  authenticate: createRecorder(),
  issuer: ISSUER,
  audience: 'api',
  keys: KEY.publicKey,
};

const settingsOf = (more: Partial<SignalOptions> = {}) =>
  parseSignalOptions('securityEvents', { ...OPTIONS, ...more }, EVENT_RULES).settings;

describe('the settings of a handler', () => {
  it('have defaults', () => {
    const { audience, maxAgeMs, toleranceMs, keepMs, allowHttp } = settingsOf();
    expect([audience, maxAgeMs, toleranceMs, keepMs, allowHttp]).toEqual([['api'], 300_000, 5000, 310_000, false]);
    expect(settingsOf().clock.now()).toBeGreaterThan(1_700_000_000_000);
  });

  it('are those of the options', () => {
    const clock = { now: () => 1, monotonic: () => 2 };
    const settings = settingsOf({
      ...{ audience: ['a', 'b'], algorithms: ['ES256'], maxAgeSeconds: 10, clockToleranceSeconds: 0 },
      ...{ dangerouslyAllowHttp: true, clock },
    });
    expect(settings).toMatchObject({
      ...{ issuer: ISSUER, audience: ['a', 'b'], algorithms: ['ES256'], clock },
      ...{ maxAgeMs: 10_000, toleranceMs: 0, keepMs: 10_000, allowHttp: true },
    });
  });

  it('have the maximum age of the kind of handler, unless the option says another', () => {
    const parse = (more: Partial<SignalOptions>) =>
      parseSignalOptions('pollSecurityEvents', { ...OPTIONS, ...more }, POLLING_RULES, 86_400).settings.maxAgeMs;
    expect([parse({}), parse({ maxAgeSeconds: 60 })]).toEqual([86_400_000, 60_000]);
  });

  it('are a copy that cannot be changed', () => {
    const audience = ['a'];
    const settings = settingsOf({ audience });
    audience.push('b');
    expect([settings.audience, Object.isFrozen(settings), Object.isFrozen(settings.audience)]).toEqual([
      ['a'],
      true,
      true,
    ]);
  });

  it.each<[string, () => KeyPairKeyObjectResult]>([
    ['RS256', rsa],
    ['RS384', rsa],
    ['RS512', rsa],
    ['PS256', rsa],
    ['PS384', rsa],
    ['PS512', rsa],
    ['ES256', ec('P-256')],
    ['ES384', ec('P-384')],
    ['ES512', ec('P-521')],
    ['EdDSA', ed25519],
    ['Ed25519', ed25519],
  ])('verify signatures by %s, unless the option "algorithms" says otherwise', async (alg, generate) => {
    const key = { alg, kid: 'key', ...generate() };
    const jwt = await signToken(key, {}, '{}');
    const { keys, algorithms } = settingsOf({ keys: key.publicKey });
    expect((await keys.verify(jwt, algorithms)).protectedHeader).toMatchObject({ alg });
    const { algorithms: others } = settingsOf({ algorithms: [alg === 'ES256' ? 'RS256' : 'ES256'] });
    await expect(keys.verify(jwt, others)).rejects.toMatchObject({ code: 'ERR_JOSE_ALG_NOT_ALLOWED' });
  });
});

it.each<[string, object]>([
  ['as', { keys: undefined }],
  ['http://as.example.com', { keys: undefined }],
])('the issuer %j must be a URL that is encrypted, if its keys are to be found', (issuer, more) => {
  expect(() => settingsOf({ issuer, ...more })).toThrow(/^Option "issuer" is a string that cannot be used; /);
  expect(settingsOf({ issuer }).issuer).toBe(issuer);
});
