import type { Clock } from '../../lib/core/clock.js';
import { createIntrospectionClient, type IntrospectionClientSettings } from '../../lib/introspection/client.js';
import { createClock } from './clock.js';
import type { Endpoint } from './endpoint.js';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** An introspection client for this endpoint, without caches. It is closed after the test. */
export function createTestClient(endpoint: Pick<Endpoint, 'url'>, settings: Partial<IntrospectionClientSettings> = {}) {
  const clock: Clock = settings.clock ?? createClock();
  const client = createIntrospectionClient({
    location: { endpoint: new URL(endpoint.url), issuer: undefined, allowHttp: false },
    timeoutMs: 5000,
    dispatcher: undefined,
    clientAuth: { identity: 'test', sign() {} },
    requestFormat: 'form',
    tokenParameter: 'token',
    parameters: {},
    headers: {},
    normalizer: undefined,
    signedResponse: undefined,
    ...settings,
    clock,
  });
  closing.push(client.close);
  return { client, clock };
}
