import { bind, follow } from './keys.js';

const find = (selector) => document.querySelector(selector);
const about = find('.about');
const steppers = [...document.querySelectorAll('[data-step]')];

// The player's own keys go first.
const step = (way) => !document.activeElement.matches('video') && follow(`[data-step="${way}"]`);

bind({
  ArrowLeft: () => step('previous'),
  ArrowRight: () => step('next'),
  i: () => {
    about.open = !about.open;
  },
  // What is open closes first.
  Escape: () => !find(':popover-open, dialog[open]') && follow('[data-back]'),
});

// What the next picture keeps of this one: whether the panel is open, and where the keyboard was.

function kept(name, value) {
  try {
    const before = sessionStorage.getItem(name);
    sessionStorage.setItem(name, value ?? before ?? '');
    return before;
  } catch {
    return null; // Storage may be forbidden: each picture starts anew.
  }
}

about.open = kept('about') !== 'closed';
about.addEventListener('toggle', () => kept('about', about.open ? 'open' : 'closed'));

for (const link of steppers) {
  // No count of clicks: it came from the keyboard.
  link.addEventListener('click', (event) => kept('step', event.detail ? '' : link.dataset.step));
}
const way = kept('step', '');
if (way) (find(`[data-step="${way}"]`) ?? steppers[0])?.focus({ preventScroll: true });

// The neighbours, once this picture is there, in the copies that this screen would ask for.

function fetchNeighbours() {
  if (navigator.connection?.saveData) return;
  for (const { dataset } of steppers) {
    if (!dataset.src) continue;
    const image = Object.assign(new Image(), { fetchPriority: 'low', sizes: find('.pane img')?.sizes ?? '' });
    image.srcset = dataset.srcset;
    image.src = dataset.src;
  }
}

if (document.readyState === 'complete') fetchNeighbours();
else addEventListener('load', fetchNeighbours);
