/** Folds long sections on screens up to 720 pixels wide. Wider screens show all of them. */
export function foldOnSmallScreens() {
  const wide = matchMedia('(min-width: 721px)');
  const sections = document.querySelectorAll('main details[open]');
  const setOpen = (isOpen) => {
    for (const section of sections) section.open = isOpen;
  };
  if (!wide.matches) setOpen(false);
  wide.addEventListener('change', ({ matches }) => matches && setOpen(true));
}
