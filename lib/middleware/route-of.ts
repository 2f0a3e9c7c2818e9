import type { IncomingMessage } from 'node:http';

/** A request with the members that Express adds. */
type RoutedRequest = IncomingMessage & {
  readonly originalUrl?: unknown;
  readonly baseUrl?: unknown;
  readonly route?: { readonly path?: unknown };
};

const MAX_LENGTH = 200;

/**
 * Returns method and route of a request, such as `GET /api/reports/:id`. If no route is known yet, the path is returned instead of the
 * route. The query is never included.
 *
 * @param hidesPath if `true`, the path is left out, because the `getToken` of the app may read the token from the path
 */
export function routeOf(req: RoutedRequest, hidesPath: boolean): string {
  const { method, url, originalUrl = url, baseUrl, route } = req;
  const base = typeof baseUrl === 'string' ? baseUrl : '';
  const path = hidesPath ? '' : String(originalUrl).replace(/[?#].*$/s, '');
  const shown = typeof route?.path === 'string' ? base + route.path : path;
  return `${method} ${shown.slice(0, MAX_LENGTH)}`.trimEnd();
}
