/** How many processes, tokens and events of each kind there may be. Commands of the store and answers of the endpoint have no limit. */
export const DEFAULTS = {
  processes: 2,
  tokens: 1,
  /** With 0, each process has only its memory. */
  stores: 1,
  /** Longest path, without the events of the start. */
  events: 12,
  start: 'cold',
  asks: 2,
  fresh: 0,
  revokes: 1,
  crashes: 0,
  suspensions: 0,
  losses: 0,
  unread: 0,
  expiries: 0,
  failures: 0,
  states: 1_000_000,
  seconds: 600,
};

/** Events before the search begins. At a cold start nothing has happened; at a warm one, the response of token A is in memory and store. */
export const STARTS = {
  cold: [],
  warm: ['ask A', 'getOrLease 0', 'deliver 0', 'answer 1', 'deliver 1', 'keepAndRelease 2'].map(
    (event) => `P1 ${event}`,
  ),
  aloneWarm: ['P1 ask A', 'P1 answer 0', 'P1 deliver 0'],
};
