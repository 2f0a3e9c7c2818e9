import { byId, element } from './element.js';
import { formatSeconds } from './time.js';

/** Shows the token of this page and how long it is valid. */
export function showTokenCard(token) {
  if (token === undefined) return;
  const { access_token, token_type, scope, endsAt, isRevoked } = token;
  const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const validity = isRevoked ? 'revoked' : left === 0 ? 'expired' : `valid for ${formatSeconds(left)}`;
  const card = byId('token-card');
  if (card.dataset.token !== access_token) {
    card.dataset.token = access_token;
    card.replaceChildren(
      element('code', { className: 'value' }, access_token),
      element('p', {}, `${token_type}, ${scope}, `, element('span', { className: 'validity', 'aria-live': 'off' })),
    );
  }
  const validityElement = card.querySelector('.validity');
  if (validityElement.textContent !== validity) validityElement.textContent = validity;
  validityElement.classList.toggle('over', isRevoked || left === 0);
}
