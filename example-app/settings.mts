/** How long the API of this example remembers an active answer: short, so that the walk-through need not wait long. */
export const TTL_SECONDS = 5;

/** The same of an inactive one: the default. */
export const INACTIVE_TTL_SECONDS = 5;
