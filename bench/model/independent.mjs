// Two events are independent if each order of them leads to the same state. Then only one of the two orders is tried.

/** Events that change only the process in which they happen. */
const LOCAL = ['ask', 'askFresh', 'deliver', 'fail', 'read', 'suspend', 'resume'];

/** For each event, the events of another process that are independent of it. Both directions are listed. */
const OF_OTHERS = independence([
  [LOCAL, LOCAL],
  [['answer', 'keepAndRelease', 'getOrLease', 'revoke'], LOCAL],
  [['append'], LOCAL.filter((verb) => verb !== 'read')],
  [['answer'], ['answer', 'getOrLease', 'keepAndRelease', 'append']],
  [['revoke'], ['revoke', 'getOrLease', 'keepAndRelease', 'append']],
]);

/** The same for two events of one process. The endpoint and the store do not touch the process until they reply. */
const OF_ITSELF = independence([
  [['answer'], ['ask', 'askFresh', 'deliver', 'read', 'suspend', 'resume', 'getOrLease', 'append', 'answer', 'fail']],
  [['fail'], ['ask', 'askFresh', 'deliver', 'read', 'suspend', 'resume', 'getOrLease', 'append', 'fail', 'revoke']],
  [['getOrLease'], ['ask', 'askFresh', 'deliver', 'read', 'suspend', 'resume', 'revoke']],
  [['append'], ['ask', 'askFresh', 'deliver', 'suspend', 'resume', 'revoke']],
]);

function independence(pairs) {
  const table = new Map();
  const add = (first, second) => table.set(first, (table.get(first) ?? new Set()).add(second));
  for (const [firsts, seconds] of pairs) {
    for (const first of firsts) for (const second of seconds) add(first, second) && add(second, first);
  }
  return table;
}

export function areIndependent(first, second) {
  const [name, verb] = first.split(' ');
  const [otherName, otherVerb] = second.split(' ');
  return (name === otherName ? OF_ITSELF : OF_OTHERS).get(verb)?.has(otherVerb) === true;
}

/**
 * Returns the events to try after `last`. Leaves out an event that was possible before `last`, is independent of it, and comes before it in
 * the alphabet: that order is tried elsewhere and leads to the same state. This is sound together with the set of known states, because a
 * chain of such omissions goes up in the alphabet, so it ends at an order that is tried.
 */
export function withoutRepeated(events, last, before) {
  if (last === undefined) return events;
  return events.filter((event) => !(event < last && areIndependent(event, last) && before.includes(event)));
}
