import { clientSecretPost } from '../../lib/index.js';
import { signed } from '../support/signed.js';

describe('clientSecretPost', () => {
  it('adds identifier and secret as parameters, unchanged', async () => {
    expect(await signed(clientSecretPost('1PpG/Q 1', 'a+b:c='))).toEqual({
      headers: {},
      parameters: { client_id: '1PpG/Q 1', client_secret: 'a+b:c=' },
    });
  });

  it('adds the secret of a function, unchanged', async () => {
    const { parameters } = await signed(clientSecretPost('api', async () => 'a+b:c='));
    expect(parameters).toEqual({ client_id: 'api', client_secret: 'a+b:c=' });
  });

  it('adds an empty secret only with allowEmptySecret', async () => {
    const allowed = { client_id: 'api', client_secret: '' };
    const options = { allowEmptySecret: true };
    expect((await signed(clientSecretPost('api', '', options))).parameters).toEqual(allowed);
    expect((await signed(clientSecretPost('api', () => '', options))).parameters).toEqual(allowed);
    await expect(signed(clientSecretPost('api', () => ''))).rejects.toThrow(TypeError);
    await expect(signed(clientSecretPost('api', () => undefined as never, options))).rejects.toThrow(TypeError);
  });

  it('has the client in its identity, and never the secret', () => {
    expect(JSON.stringify(clientSecretPost('api', 'hush'))).not.toContain('hush');
  });
});
