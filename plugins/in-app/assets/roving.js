// SPDX-License-Identifier: Apache-2.0
// One tab stop for a toolbar (WAI-ARIA APG): Left, Right, Home and End go from one to the next.
export function roving(toolbar) {
  const stops = () => [...toolbar.querySelectorAll('button, input')].filter((one) => one.checkVisibility());
  const settle = (to) => {
    for (const one of toolbar.querySelectorAll('button, input')) one.tabIndex = one === to ? 0 : -1;
  };
  toolbar.addEventListener('focusin', ({ target }) => settle(target.closest('button, input')));
  toolbar.addEventListener('keydown', (event) => {
    const all = stops();
    const at = all.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const forward = getComputedStyle(toolbar).direction === 'rtl' ? -1 : 1;
    const to = {
      ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: all.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length).focus();
  });
  return () => {
    const all = stops();
    if (all.filter((one) => one.tabIndex === 0).length !== 1) settle(all[0]);
  };
}
