// Reordering a list: by dragging the grips with mouse, pen or finger, and by arrow keys on them.
const EDGE = 72; // pixels from the screen's edge where dragging scrolls
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

// The others move around it: what is moved itself would lose the focus, and the finger that drags it.
export function place(items, item, to) {
  const from = items.indexOf(item);
  if (to > from) item.before(...items.slice(from + 1, to + 1));
  if (to < from) item.after(...items.slice(to, from));
}

function scrollAtEdge(y) {
  if (y < EDGE) scrollBy(0, -EDGE / 4);
  if (y > innerHeight - EDGE) scrollBy(0, EDGE / 4);
}

export function watchGrips(list, items, moved) {
  function drag(grip, item, pointer) {
    const start = items().indexOf(item);
    const over = ({ clientX, clientY }) => {
      const other = document.elementFromPoint(clientX, clientY)?.closest('li');
      if (items().includes(other)) place(items(), item, items().indexOf(other));
      scrollAtEdge(clientY);
    };
    const back = () => place(items(), item, start);
    const end = () => {
      grip.removeEventListener('pointermove', over);
      grip.removeEventListener('pointercancel', back);
      item.classList.remove('dragged');
      if (items().indexOf(item) !== start) moved(item);
    };
    item.classList.add('dragged');
    grip.setPointerCapture(pointer);
    grip.addEventListener('pointermove', over);
    grip.addEventListener('pointercancel', back);
    grip.addEventListener('lostpointercapture', end, { once: true });
  }

  list.addEventListener('pointerdown', (event) => {
    const grip = event.target.closest('[data-grip]');
    if (grip && event.isPrimary && event.button === 0) drag(grip, grip.closest('li'), event.pointerId);
  });

  list.addEventListener('keydown', (event) => {
    const step = STEPS[event.key];
    const item = event.target.closest('[data-grip]')?.closest('li');
    if (!item || !step) return;
    event.preventDefault();
    const all = items();
    place(all, item, Math.min(Math.max(all.indexOf(item) + step, 0), all.length - 1));
    moved(item);
  });
}
