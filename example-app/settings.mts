/** Seconds for which the API of this example caches an active response. They are few, so that the walk-through is short. */
export const TTL_SECONDS = 5;

/** Seconds for which it caches an inactive response: the default of the middleware. */
export const INACTIVE_TTL_SECONDS = 5;

/** Path of the API to which the authorization server posts logout tokens. */
export const LOGOUT_PATH = '/backchannel-logout';
