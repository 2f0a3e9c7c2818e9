import { pauseMs } from '../../lib/signals/poll-pause.js';
import { SignalError } from '../../lib/signals/signal-error.js';

const POLL = new SignalError('poll_failed');
const STORE = new SignalError('not_invalidated');

/** The shortest and the longest pause that chance can choose. */
function rangeOf(failures: number, error: SignalError): number[] {
  const random = jest.spyOn(Math, 'random');
  const range = [0, 1].map((value) => {
    random.mockReturnValue(value);
    return pauseMs(failures, error);
  });
  random.mockRestore();
  return range;
}

describe('the pause of a poller', () => {
  it.each([
    [1, POLL, [1000, 1000]],
    [2, POLL, [1000, 2000]],
    [4, POLL, [4000, 8000]],
    [100, POLL, [30_000, 60_000]],
    [3, STORE, [2000, 4000]],
    [100, STORE, [2500, 5000]],
  ])('after failure %i (%s) is random within limits', (failures, error, range) => {
    expect(rangeOf(failures, error)).toEqual(range);
  });

  it('is at least as long as the transmitter or the keys ask for', () => {
    expect(rangeOf(1, new SignalError('poll_failed', 30))).toEqual([30_000, 30_000]);
    expect(rangeOf(9, new SignalError('keys_unavailable', 10))).toEqual([10_000, 10_000]);
  });
});
