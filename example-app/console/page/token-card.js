import { byId, element } from './element.js';
import { span } from './time.js';

/** Shows the page's token, and how long it is valid. */
export function showTokenCard(token) {
  if (token === undefined) return;
  const { access_token, token_type, scope, endsAt, isRevoked } = token;
  const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const validity = isRevoked ? 'revoked' : left === 0 ? 'expired' : `valid for ${span(left)}`;
  const card = byId('token-card');
  if (card.dataset.token !== access_token) {
    card.dataset.token = access_token;
    card.replaceChildren(
      element('code', { className: 'value' }, access_token),
      element('p', {}, `${token_type}, ${scope}, `, element('span', { className: 'validity', 'aria-live': 'off' })),
    );
  }
  const shown = card.querySelector('.validity');
  if (shown.textContent !== validity) shown.textContent = validity;
  shown.classList.toggle('over', isRevoked || left === 0);
}
