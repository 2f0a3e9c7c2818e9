/** Maximum number of later actions that the note of an outdated result names. The last ones are named. */
const MAX_NAMES = 3;

/** Marks the result in a section as outdated after another action has changed something. */
export function createResult(section) {
  const note = section.querySelector('.result-note');
  let hasResult = false;
  let laterActions = [];

  function showNote(text) {
    note.textContent = text;
    note.hidden = text === '';
    section.classList.toggle('outdated', laterActions.length > 0);
  }

  return {
    /** The section shows a new result. `text` is an optional note about it. */
    setCurrent(text = '') {
      hasResult = true;
      laterActions = [];
      showNote(text);
    },
    clear() {
      hasResult = false;
      laterActions = [];
      showNote('');
    },
    /** A later action has changed something. */
    markOutdated(actionName) {
      if (!hasResult) return;
      laterActions = [...laterActions, actionName].slice(-MAX_NAMES);
      showNote(`This result is outdated. Later actions: ${laterActions.join(', ')}.`);
    },
  };
}
