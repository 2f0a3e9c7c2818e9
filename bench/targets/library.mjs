import { library } from '../packages.mjs';

const { clientSecretBasic, requireScope, tokenIntrospection } = library;

function create({ endpoint, clientId, clientSecret }, options) {
  return tokenIntrospection({
    endpoint,
    clientAuth: clientSecretBasic(clientId, clientSecret),
    audience: false,
    ...options,
  });
}

export function cached(context) {
  return create(context, {});
}

export function cachedAndGuarded(context) {
  const authenticate = create(context, { audience: context.audience });
  const guard = requireScope('reports:read');
  return (req, res, next) => authenticate(req, res, (error) => (error ? next(error) : guard(req, res, next)));
}

/** Has a long timeout, because the alternatives have none. */
export function uncached(context) {
  return create(context, { cache: false, timeoutMs: 30_000 });
}
