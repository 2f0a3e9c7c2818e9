import { createApp } from '../../support/api.js';
import { recordDecisions } from '../../support/decisions.js';
import { createDpopSetup, sendBound } from '../../support/dpop.js';
import { ORIGIN } from '../../support/dpop-sender.js';

describe('a DPoP proof that one middleware has accepted', () => {
  it.each([0, 71, 191, 500, 609])(
    'is a replay for a derived one with a longer maxAgeSeconds, %d seconds later too',
    async (later) => {
      const { api, sender, clock } = await createDpopSetup({}, { cache: { ttlSeconds: 3600 } });
      const longer = createApp(api.authenticate.with({ dpop: { origin: ORIGIN, maxAgeSeconds: 600 } }));
      const decisions = recordDecisions();
      const proof = await sender.proof('abc', clock, { claims: { iat: clock.seconds() + 10 } });
      await sendBound(api, 'abc', proof).expect(200);
      clock.advance(later);
      // Another proof, because a memory forgets when it is used.
      await sendBound(longer, 'abc', await sender.proof('abc', clock)).expect(200);
      await sendBound(longer, 'abc', proof).expect(401);
      expect(decisions.map(({ reason }) => reason)).toEqual([undefined, undefined, 'dpop_proof_replayed']);
    },
  );

  it('is a replay for one that is derived only afterwards', async () => {
    const { api, sender, clock } = await createDpopSetup({}, { cache: { ttlSeconds: 3600 } });
    const proof = await sender.proof('abc', clock);
    await sendBound(api, 'abc', proof).expect(200);
    const longer = createApp(api.authenticate.with({ dpop: { origin: ORIGIN, maxAgeSeconds: 600 } }));
    clock.advance(200);
    await sendBound(longer, 'abc', await sender.proof('abc', clock)).expect(200);
    await sendBound(longer, 'abc', proof).expect(401);
  });
});
