// One picture over another, cut where a range says; and what was before, for as long as B is held.
const LARGE_STEP = 10;

// `find` gives the figure that is there at the time; `inWords` says a share for screen readers.
export function slider(find, inWords) {
  let share = 50;

  function show(value = share) {
    share = Math.min(100, Math.max(0, value));
    const range = find()?.querySelector('.cut');
    if (!range) return;
    range.value = share;
    range.setAttribute('aria-valuetext', inWords(share));
    find().style.setProperty('--cut', `${share}%`);
  }

  const hold = (isHeld) => find()?.toggleAttribute('data-held', isHeld);

  document.addEventListener('input', (event) => {
    if (event.target.matches('.cut')) show(event.target.valueAsNumber);
  });
  document.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way || !event.shiftKey || !event.target.matches('.cut')) return;
    event.preventDefault();
    show(share + way * LARGE_STEP);
  });
  document.addEventListener('keyup', (event) => {
    if (event.key.toLowerCase() === 'b') hold(false);
  });
  addEventListener('blur', () => hold(false));

  return { show, hold };
}
