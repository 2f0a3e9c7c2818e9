import { byId, element } from './element.js';
import { bodyText } from './message.js';
import { createResult } from './result.js';

/** What the authorization server said about the token in step 2. */
export function createIntrospectionView() {
  const result = createResult(byId('introspection'));
  return {
    show(body) {
      const isActive = JSON.parse(body).active === true;
      byId('introspected').replaceChildren(
        element(
          'p',
          {},
          isActive
            ? 'The token is good. The API now checks the rest: audience, scopes and expiry.'
            : 'The token is not good: it was never issued, has expired, or was revoked.',
        ),
        element('div', { className: 'message' }, element('pre', { className: 'json' }, ...bodyText(body))),
      );
      result.shows();
    },
    clear() {
      byId('introspected').replaceChildren();
      result.clear();
    },
    age: result.age,
  };
}
