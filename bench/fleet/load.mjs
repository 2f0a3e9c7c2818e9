import { machineTime } from './time.mjs';

const TICK_MS = 5;

/**
 * Requests at an even pace, to each instance in turn, whether or not earlier ones have been answered.
 *
 * @param next what the request with this number presents: a token, and a path if it is not `/`
 * @returns stops, and brings all that was requested, in the order of the answers
 */
export function startLoad({ fleet, perSecond, next, skips = () => false }) {
  const requests = [];
  const underWay = new Set();
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
        underWay.delete(request);
      });
      underWay.add(request);
    }
  }, TICK_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(underWay);
    return requests;
  };
}
