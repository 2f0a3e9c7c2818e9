/** The limit that an event uses up. Events without one are limited only by the length of a path. */
const BUDGETS = {
  ask: 'asks',
  askFresh: 'fresh',
  revoke: 'revokes',
  crash: 'crashes',
  suspend: 'suspensions',
  lose: 'losses',
  unread: 'unread',
  expire: 'expiries',
  fail: 'failures',
};

export function budgetOf(event) {
  return BUDGETS[event.split(' ')[1]];
}

/** Milliseconds until the next pause of a process ends, after which it reads the store again. */
export function pauseOf({ process: { machine } }) {
  return machine.isSuspended() ? Number.POSITIVE_INFINITY : machine.timers.dueIn(true);
}

/** Returns all events that can come next, without regard to limits. */
export function possibleEvents({ states, orphans, tokens }) {
  // Processes without an event so far are equal, so only the first of them is tried.
  const firstUntouched = states.find(({ isTouched }) => !isTouched);
  const tried = states.filter((state) => state.isTouched || state === firstUntouched);
  return [
    ...tried.flatMap(({ process }) => [...messageEvents(process), ...ownEvents(process, tokens)]),
    ...[...orphans.keys()].map((index) => `P1 executeLate ${index}`),
    ...(states.some((state) => Number.isFinite(pauseOf(state))) ? ['- pause'] : []),
    ...['- lose', '- unread', '- expire'],
  ];
}

function messageEvents({ name, machine, messages }) {
  return messages().flatMap(({ id, kind, status }) => {
    if (status === 'replied') return machine.isSuspended() ? [] : [`${name} deliver ${id}`];
    return kind === 'ask' ? [`${name} answer ${id}`, `${name} fail ${id}`] : [`${name} ${kind} ${id}`];
  });
}

function ownEvents({ name, machine, hasToRead }, tokens) {
  if (machine.isSuspended()) return [`${name} resume`];
  return [
    ...tokens.flatMap((token) => [
      `${name} ask ${token}`,
      `${name} askFresh ${token}`,
      `${name} revoke token ${token}`,
    ]),
    ...[`${name} revoke sub`, `${name} crash`, `${name} suspend`],
    ...(hasToRead() ? [`${name} read`] : []),
  ];
}
