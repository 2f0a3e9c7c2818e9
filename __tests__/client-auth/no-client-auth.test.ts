import { noClientAuth } from '../../lib/index.js';
import { signed } from '../support/signed.js';

describe('noClientAuth', () => {
  it('adds nothing', async () => {
    expect(await signed(noClientAuth())).toEqual({ headers: {}, parameters: {} });
    expect(noClientAuth().identity).toBe('none');
  });
});
