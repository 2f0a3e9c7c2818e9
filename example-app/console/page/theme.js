// Loaded before the page is drawn, so that it is never drawn in the wrong theme.
(() => {
  const root = document.documentElement;
  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const chosen = localStorage.getItem('theme') ?? 'auto';
  apply(chosen);
  document.addEventListener('DOMContentLoaded', () => {
    const choices = document.querySelectorAll('#theme input');
    for (const choice of choices) {
      choice.checked = choice.value === chosen;
      choice.addEventListener('change', () => {
        localStorage.setItem('theme', choice.value);
        apply(choice.value);
        root.dispatchEvent(new Event('themechange'));
      });
    }
  });
})();
