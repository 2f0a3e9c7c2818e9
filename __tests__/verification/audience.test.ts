import { requireAudience } from '../../lib/verification/audience.js';
import { activeRecord } from '../support/records.js';

const API = 'https://api.example.com';

describe('requireAudience', () => {
  it.each([
    ['the expected one', { aud: API }, [API]],
    ['a list with the expected one', { aud: ['x', API] }, [API]],
    ['one of several expected', { aud: 'b' }, ['a', 'b']],
    ['a list that meets a list', { aud: ['x', 'b'] }, ['a', 'b']],
    ['anything where none is expected', { aud: 'x' }, false],
    ['absent where none is expected', {}, false],
  ] as const)('accepts an audience that is %s', (_, claims, audience) => {
    expect(() => requireAudience(activeRecord(claims), { audience })).not.toThrow();
  });

  it.each([
    ['absent', {}, [API]],
    ['another', { aud: 'https://other.example.com' }, [API]],
    ['a list of others', { aud: ['x', 'y'] }, [API]],
    ['an empty list', { aud: [] }, [API]],
    ['an empty string', { aud: '' }, [API]],
    ['the expected one with a slash behind', { aud: `${API}/` }, [API]],
    ['the expected one in capitals', { aud: API.toUpperCase() }, [API]],
    ['a text that holds the expected one', { aud: `x ${API}` }, [API]],
    ['a part of the expected one', { aud: 'https://api' }, [API]],
  ])('rejects an audience that is %s', (_, claims, audience) => {
    expect(() => requireAudience(activeRecord(claims), { audience })).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_token', reason: 'audience_mismatch' }),
    );
  });
});
