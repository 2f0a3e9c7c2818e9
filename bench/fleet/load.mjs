import { machineTime } from './time.mjs';

const TICK_MS = 5;

/**
 * Sends requests at a constant rate to each instance in turn. It does not wait for responses.
 *
 * @param next returns the token of the request with this number, and its path if it is not `/`
 * @param skips whether requests to this instance are left out
 * @returns a function that stops the load and resolves with all requests, in the order of their responses
 */
export function startLoad({ fleet, perSecond, next, skips = () => false }) {
  const requests = [];
  const pending = new Set();
  const startedAt = machineTime();
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((machineTime() - startedAt) * perSecond) / 1000;
    for (; sent < due; sent++) {
      const instance = fleet.instances[sent % fleet.instances.length];
      if (skips(instance)) continue;
      const { token, path } = next(sent);
      const request = instance.get(token, path).then((result) => {
        requests.push({ ...result, path });
        pending.delete(request);
      });
      pending.add(request);
    }
  }, TICK_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(pending);
    return requests;
  };
}
