import { clientSecretPost } from '../../../lib/index.js';
import { signed } from '../../support/signed.js';

describe('clientSecretPost', () => {
  it('adds identifier and secret as parameters, unchanged', async () => {
    expect(await signed(clientSecretPost('1PpG/Q 1', 'a+b:c='))).toEqual({
      headers: {},
      parameters: { client_id: '1PpG/Q 1', client_secret: 'a+b:c=' },
    });
  });

  it('names the client in its identity, and never the secret', () => {
    expect(JSON.stringify(clientSecretPost('api', 'hush'))).toBe('{"identity":"client:api"}');
  });
});
