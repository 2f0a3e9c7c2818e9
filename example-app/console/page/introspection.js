import { byId, element } from './element.js';
import { bodyText } from './message.js';
import { createResult } from './result.js';

/** Shows the introspection response of step 2. */
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
            ? 'The token is active. The API also checks its audience, scopes and expiry.'
            : 'The token is not active: it was never issued, has expired or was revoked.',
        ),
        element('div', { className: 'message' }, element('pre', { className: 'json' }, ...bodyText(body))),
      );
      result.setCurrent();
    },
    clear() {
      byId('introspected').replaceChildren();
      result.clear();
    },
    markOutdated: result.markOutdated,
  };
}
