import { requireAuthorizationDetails } from '../../lib/index.js';
import { createApi } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';

const DETAILS = [
  { type: 'payment', locations: ['https://api.example.com'], amount: { value: '1.00', list: [1, [2]] } },
];

describe('RFC 9396 section 9.2: authorization_details of a response', () => {
  it('section 9.2: reach the handler unchanged', async () => {
    const { body } = await createApi(await createEndpoint(active({ authorization_details: DETAILS })))
      .get('abc')
      .expect(200);
    expect(body.auth.authorization_details).toEqual(DETAILS);
  });

  it.each([['x'], [7], [{}], [[7]], [[{ type: 7 }]], [[null]]])(
    'section 9.2: satisfy no requirement when they are not a list of objects with a type: %j',
    async (details) => {
      const endpoint = await createEndpoint(active({ authorization_details: details }));
      const { body } = await createApi(endpoint).get('abc').expect(200);
      expect(body.auth.authorization_details).toEqual(details);
      await createApi(endpoint, {}, requireAuthorizationDetails('payment')).get('abc').expect(403);
    },
  );

  it.each(['Payment', 'payment ', 'pay%6Dent', 'https://example.com/payment'])(
    'section 12: are compared exactly, so that %j is not payment',
    async (type) => {
      const endpoint = await createEndpoint(active({ authorization_details: [{ type }] }));
      await createApi(endpoint, {}, requireAuthorizationDetails('payment')).get('abc').expect(403);
    },
  );
});
