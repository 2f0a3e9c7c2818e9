/** Names of actions that are listed beside an old result; older ones are left out. */
const MAX_NAMES = 3;

/** Marks what a section shows as old, once another action has changed something. */
export function createResult(section) {
  const note = section.querySelector('.old-note');
  let isShown = false;
  let since = [];

  function mark(text) {
    note.textContent = text;
    note.hidden = text === '';
    section.classList.toggle('old', since.length > 0);
  }

  return {
    /** It shows something new. `text` says what, where that is not plain. */
    shows(text = '') {
      isShown = true;
      since = [];
      mark(text);
    },
    clear() {
      isShown = false;
      since = [];
      mark('');
    },
    /** An action came after it. */
    age(name) {
      if (!isShown) return;
      since = [...since, name].slice(-MAX_NAMES);
      mark(`This result is old. Since then: ${since.join(', ')}.`);
    },
  };
}
