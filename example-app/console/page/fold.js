/** Folds long parts on small screens, which have other things to show first. Wide screens show all. */
export function foldOnSmallScreens() {
  const wide = matchMedia('(min-width: 721px)');
  const parts = document.querySelectorAll('main details[open]');
  const setOpen = (isOpen) => {
    for (const part of parts) part.open = isOpen;
  };
  if (!wide.matches) setOpen(false);
  wide.addEventListener('change', ({ matches }) => matches && setOpen(true));
}
