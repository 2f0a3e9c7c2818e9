import { byId, element } from './element.js';
import { clockTime } from './time.js';

const MAX_SHOWN = 5;

/** Shows the events of one stream of the API, and how it ended. */
export function createEventStreamView() {
  const list = byId('stream-events');
  const state = byId('stream-state');
  let reader;

  return {
    /** Reads a response until it ends. A stream that is still open is closed first. */
    async read(response) {
      await reader?.cancel();
      list.replaceChildren();
      if (!response.ok) {
        await response.body.cancel();
        showState('ended', `Not opened: the API responded with ${response.status}.`);
        return;
      }
      const own = response.body.pipeThrough(new TextDecoderStream()).getReader();
      reader = own;
      let count = 0;
      let isTokenOver = false;
      showState('open', 'Open. Waiting for the first event.');
      try {
        for (let read = await own.read(); !read.done; read = await own.read()) {
          for (const event of read.value.split('\n\n').filter((text) => text !== '')) {
            isTokenOver = event.startsWith('event: token-ended');
            if (!isTokenOver) count++;
            addEvent(event);
          }
          if (reader === own) showState('open', `Open. Events so far: ${count}.`);
        }
      } catch {
        // The connection broke. The text below says so.
      }
      if (reader !== own) return;
      const cause = isTokenOver
        ? 'The API has ended it, because the token has expired or was revoked.'
        : 'The connection is closed.';
      showState('ended', `Ended after ${count} events. ${cause}`);
    },
  };

  function showState(name, text) {
    state.dataset.state = name;
    state.textContent = text;
  }

  function addEvent(text) {
    list.append(element('li', {}, element('time', {}, clockTime(Date.now())), ' ', element('code', {}, text)));
    while (list.children.length > MAX_SHOWN) list.firstElementChild.remove();
  }
}
