const { clientSecretBasic, tokenIntrospection } = require('express-token-introspection');
const { fakeAuthorizationServer } = require('express-token-introspection/testing');

test('authenticates a token in a Jest that knows nothing of ES modules', async () => {
  const server = fakeAuthorizationServer({ claims: { aud: 'api' } });
  const authenticate = tokenIntrospection({
    endpoint: 'https://as.example.com/introspect',
    clientAuth: clientSecretBasic('a', 'b'),
    audience: 'api',
    dispatcher: server.dispatcher,
  });
  await expect(authenticate.introspect(server.issue({ sub: 'alice' }))).resolves.toMatchObject({ sub: 'alice' });
  await expect(authenticate.introspect('unknown')).rejects.toMatchObject({ reason: 'inactive' });
});
