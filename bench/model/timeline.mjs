/** Describes an event for a reader. `message` is the command or question that the event is about, if there is one. */
export function describe(event, message, now) {
  const [name, verb, ...rest] = event.split(' ');
  const about =
    message === undefined ? '' : `${message.kind === 'ask' ? 'the endpoint' : message.kind} (${name}, ${message.id})`;
  const reply = message?.reply;
  const text = {
    ask: `${name} gets a request with token ${rest[0]}`,
    askFresh: `${name} gets a request with token ${rest[0]} that requires a new response`,
    revoke: `the server revokes ${rest.join(' ')}, and ${name} calls invalidate()`,
    read: `${name} reads the log`,
    deliver: `${name} receives the reply of ${about}${reply?.value ? ', an entry' : ''}`,
    getOrLease: `the store executes ${about}`,
    keepAndRelease: `the store executes ${about}`,
    append: `the store executes ${about}`,
    executeLate: `the store executes a command of a process that has crashed`,
    answer: `the endpoint decides about the question of ${name} (${message?.id})`,
    fail: `the endpoint fails for ${name} (${message?.id})`,
    crash: `${name} crashes and starts again`,
    suspend: `${name} is suspended`,
    resume: `${name} continues`,
    lose: 'the store loses the log',
    unread: '5.001 seconds pass',
    expire: '59 seconds pass',
    pause: 'time passes until the next timer is due',
  }[verb];
  return `${String(now / 1000).padStart(8)} s  ${text}`;
}
