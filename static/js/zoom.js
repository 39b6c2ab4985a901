// Both panes of the side-by-side view under one zoom: by wheel, pinch, buttons and keys; moved together.
const [LEAST, MOST, STEP] = [1, 8, 1.5];
const ORIGINAL_FROM = 2; // the copies for pages hold no more detail than this shows
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const within = (least, value, most) => Math.min(most, Math.max(least, value));

// `find` gives the figure that is there at the time.
export function panAndZoom(find) {
  let scale = LEAST;
  let [x, y] = [0, 0]; // the way of the picture's middle, in widths and heights of a pane
  const fingers = new Map();

  const isOn = () => find()?.dataset.view === 'side';

  function show() {
    const reach = (scale - 1) / 2;
    [x, y] = [within(-reach, x, reach), within(-reach, y, reach)];
    const figure = find();
    for (const [name, value] of Object.entries({ '--zoom': scale, '--x': x, '--y': y })) {
      figure.style.setProperty(name, value);
    }
    figure.toggleAttribute('data-zoomed', scale > LEAST);
    figure.querySelector('[data-scale]').value = `${Math.round(100 * scale)} %`;
    figure.querySelector('.stage').tabIndex = isOn() ? 0 : -1;
    if (scale >= ORIGINAL_FROM) showOriginals(figure);
  }

  function showOriginals(figure) {
    for (const pane of figure.querySelectorAll('.pane[data-original]')) {
      const image = pane.querySelector('img');
      image.removeAttribute('srcset');
      image.src = pane.dataset.original;
      delete pane.dataset.original;
    }
  }

  function moveBy(right, down) {
    [x, y] = [x + right, y + down];
    show();
  }

  // Around a point that stays where it is, given as its distance from the pane's middle.
  function scaleTo(wanted, [right, down] = [0, 0]) {
    const factor = within(LEAST, wanted, MOST) / scale;
    [x, y] = [right + (x - right) * factor, down + (y - down) * factor];
    scale *= factor;
    show();
  }

  function place(pane, clientX, clientY) {
    const box = pane.getBoundingClientRect();
    return [(clientX - box.left) / box.width - 0.5, (clientY - box.top) / box.height - 0.5];
  }

  function reset() {
    [scale, x, y] = [LEAST, 0, 0];
    show();
  }

  const paneOf = (event) => isOn() && event.target.closest?.('.viewer .pane');

  function onWheel(event) {
    const pane = paneOf(event);
    // The wheel alone scrolls the page, unless the pictures have the focus.
    if (!pane || !(event.ctrlKey || event.metaKey || pane.parentElement.contains(document.activeElement))) return;
    event.preventDefault();
    scaleTo(scale * Math.exp(-event.deltaY / 300), place(pane, event.clientX, event.clientY));
  }

  function onMove(event) {
    const was = fingers.get(event.pointerId);
    if (!was) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, { pane: was.pane, x: event.clientX, y: event.clientY });
    const box = was.pane.getBoundingClientRect();
    // Each of two fingers moves the picture by half of its way.
    const parts = before.length;
    moveBy((event.clientX - was.x) / box.width / parts, (event.clientY - was.y) / box.height / parts);
    if (parts === 2) pinch(before, [...fingers.values()]);
  }

  const apart = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);

  function pinch(before, now) {
    const [one, other] = now;
    const middle = place(one.pane, (one.x + other.x) / 2, (one.y + other.y) / 2);
    if (apart(before)) scaleTo((scale * apart(now)) / apart(before), middle);
  }

  document.addEventListener('wheel', onWheel, { passive: false });
  document.addEventListener('pointerdown', (event) => {
    const pane = paneOf(event);
    if (pane && event.button === 0) fingers.set(event.pointerId, { pane, x: event.clientX, y: event.clientY });
  });
  document.addEventListener('pointermove', onMove);
  for (const end of ['pointerup', 'pointercancel']) {
    document.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  document.addEventListener('click', (event) => {
    const way = event.target.closest('[data-zoom]')?.dataset.zoom;
    if (way === '0') reset();
    else if (way) by(Number(way));
  });
  document.addEventListener('keydown', (event) => {
    const way = ARROWS[event.key];
    if (!way || !isOn() || !event.target.matches('.stage') || scale === LEAST) return;
    event.preventDefault();
    moveBy(...way.map((part) => part / 10));
  });

  const by = (steps) => scaleTo(scale * STEP ** steps);
  return { by, reset, show };
}
