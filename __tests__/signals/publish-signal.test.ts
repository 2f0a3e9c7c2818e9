import { publishFailure, publishSignal, respondTo } from '../../lib/signals/publish-signal.js';
import { SignalError } from '../../lib/signals/signal-error.js';
import { recordEvents } from '../support/channels.js';

const BY = 'securityEvents';

it('a signal is published with its outcome, if somebody subscribes', () => {
  publishSignal({ by: BY, outcome: 'repeated' });
  const events = recordEvents('signal');
  publishSignal({ by: BY, outcome: 'applied', event: 'session-revoked' });
  expect(events).toEqual([{ by: BY, outcome: 'applied', event: 'session-revoked' }]);
});

it('a rejection and an outage are published with their reason, and an error of the app is not', () => {
  const events = recordEvents('signal');
  for (const error of [
    new SignalError('wrong_type'),
    new SignalError('not_invalidated'),
    new Error('hush'),
    undefined,
  ]) {
    publishFailure(BY, error);
  }
  expect(events).toEqual([
    { by: BY, outcome: 'rejected', reason: 'wrong_type' },
    { by: BY, outcome: 'failed', reason: 'not_invalidated' },
  ]);
});

describe('the response to a signal', () => {
  const reject = ({ reason }: SignalError) => ({ status: 400, body: { reason } });
  const respond = (work: () => Promise<{ status: number }>) => respondTo(BY, work, reject);

  it('is the one of the handler', async () => {
    const events = recordEvents('signal');
    expect(await respond(async () => ({ status: 202 }))).toEqual({ status: 202 });
    expect(events).toEqual([]);
  });

  it('says why the signal is rejected', async () => {
    const events = recordEvents('signal');
    expect(await respond(() => Promise.reject(new SignalError('wrong_type')))).toEqual({
      ...{ status: 400, body: { reason: 'wrong_type' } },
    });
    expect(events).toEqual([{ by: BY, outcome: 'rejected', reason: 'wrong_type' }]);
  });

  it('asks the sender to try again after an outage', async () => {
    const events = recordEvents('signal');
    expect(await respond(() => Promise.reject(new SignalError('keys_unavailable', 7)))).toEqual({
      ...{ status: 503, headers: { 'Retry-After': '7' }, body: { error: 'temporarily_unavailable' } },
    });
    expect(events).toEqual([{ by: BY, outcome: 'failed', reason: 'keys_unavailable' }]);
  });

  it('is not created for an error of the app', async () => {
    const events = recordEvents('signal');
    const failure = new Error('hush');
    await expect(respond(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(events).toEqual([]);
  });
});
