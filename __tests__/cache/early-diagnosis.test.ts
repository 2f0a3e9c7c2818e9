import { diagnoseEarly, type EndpointState } from '../../lib/cache/early-diagnosis.js';
import { IntrospectionError } from '../../lib/core/errors.js';
import type { TokenRecord } from '../../lib/core/lookup.js';
import { createDeferred } from '../support/deferred.js';

/** A diagnosis that does not end, of a request that has 1 millisecond left. */
function start(afterMs: number) {
  const started = createDeferred<void>();
  const diagnose = diagnoseEarly(new Promise<TokenRecord>(() => {}), {
    afterMs,
    timeLeftMs: () => 1,
    diagnose: () => {
      started.resolve();
      return new Promise<EndpointState>(() => {});
    },
  });
  return { diagnose, started: started.promise };
}

const failure = new IntrospectionError('server_error');

describe('a diagnosis that has not ended at the time limit of the request', () => {
  it('tells nothing if it has just started', async () => {
    expect(await start(60_000).diagnose(failure)).toBe('unknown');
  });

  it('tells that the endpoint is down if it started early, because the endpoint has not responded since then', async () => {
    const { diagnose, started } = start(1);
    await started;
    expect(await diagnose(failure)).toBe('down');
  });
});
