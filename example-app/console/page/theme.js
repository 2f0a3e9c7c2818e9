// This script runs before the page is drawn, so that the page never appears in the wrong theme.
(() => {
  const root = document.documentElement;
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
  let choice = localStorage.getItem('theme') ?? 'auto';

  function apply() {
    const systemTheme = systemIsDark.matches ? 'dark' : 'light';
    root.dataset.theme = choice === 'light' || choice === 'dark' ? choice : systemTheme;
    root.dispatchEvent(new Event('themechange'));
  }

  apply();
  systemIsDark.addEventListener('change', apply);
  document.addEventListener('DOMContentLoaded', () => {
    for (const input of document.querySelectorAll('#theme input')) {
      input.checked = input.value === choice;
      input.addEventListener('change', () => {
        choice = input.value;
        localStorage.setItem('theme', choice);
        apply();
      });
    }
  });
})();
