// The events of a run, in the order of their time. Nothing happens between two events, so a run takes no real time for waiting.

/** Creates a queue of events: a binary heap, ordered by time, and by the order of the calls of `add` for the same time. */
export function createEvents() {
  const heap = [];
  let count = 0;

  function isBefore(one, other) {
    return one.at < other.at || (one.at === other.at && one.number < other.number);
  }

  function push(event) {
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = event;
  }

  function pop() {
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = last;
    return first;
  }

  return {
    /**
     * Adds an event.
     *
     * @param at milliseconds since the run started
     * @param owner machine of the process in which `happen` runs; `undefined` for the authorization server, the store and the plan
     * @returns the event. Set its `isCancelled` to remove it
     */
    add(at, owner, happen) {
      const event = { at, number: count++, owner, happen, isCancelled: false };
      push(event);
      return event;
    },
    /** Adds an event again that `next` has returned, at another time. */
    again: (event, at) => push(Object.assign(event, { at, number: count++ })),
    /** Removes and returns the next event; `undefined` if there is none. */
    next() {
      while (heap.length > 0) {
        const event = pop();
        if (!event.isCancelled) return event;
      }
      return undefined;
    },
    /** Number of events so far. */
    count: () => count,
  };
}
