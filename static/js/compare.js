// Slider, side by side, flip: the views of one figure, which follows the address. Choosing another picture is a link
// that htmx fetches, so everything is looked up anew when it is needed.
import { bind, follow } from './keys.js';
import { slider } from './slider.js';
import { announce, wordsOf } from './words.js';
import { panAndZoom } from './zoom.js';

const VIEWS = ['slider', 'side', 'flip'];

const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const viewer = () => find('.viewer');
const word = wordsOf('compare-words');
const zoom = panAndZoom(viewer);
const cut = slider(viewer, (percent) => word('share', { percent }));

// The address says what is shown, also when the page was opened with less of it.
function tellAddress() {
  const { address } = find('#compare').dataset;
  if (address) history.replaceState(history.state, '', address);
}

function showView(view) {
  for (const link of all('#compare a[href*="view="]')) {
    const url = new URL(link.href);
    url.searchParams.set('view', link.dataset.mode ?? view);
    link.href = url.search;
  }
  for (const link of all('[data-mode]')) link.toggleAttribute('aria-current', false);
  find(`[data-mode="${view}"]`).setAttribute('aria-current', 'true');
  viewer().dataset.view = view;
  find('#compare').dataset.address = find(`[data-mode="${view}"]`).search;
  tellAddress();
  zoom.show();
}

function flip(button) {
  const isFlipped = viewer().toggleAttribute('data-flipped');
  button.setAttribute('aria-pressed', isFlipped);
}

// Another picture, without loading the page

async function choose(link) {
  try {
    await htmx.ajax('GET', link.href, { source: link, target: '#compare', select: '#compare', swap: 'outerHTML' });
  } catch {
    location.assign(link.href);
  }
}

function start() {
  if (!viewer()) return;
  tellAddress();
  cut.show();
  zoom.show();
  for (const chosen of all('.thumbs [aria-current]')) chosen.closest('.strip').scrollLeft = chosen.offsetLeft - 60;
}

document.addEventListener('htmx:afterSettle', () => {
  start();
  if (viewer()) announce(word('shown', viewer().dataset));
});
for (const problem of ['htmx:sendError', 'htmx:responseError']) {
  document.addEventListener(problem, (event) => location.assign(event.detail.requestConfig.path));
}

const isPlain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-mode], [data-choose]');
  const button = event.target.closest('[data-flip]');
  if (button) flip(button);
  if (!link || !isPlain(event)) return;
  event.preventDefault();
  if (link.dataset.mode) showView(link.dataset.mode);
  else choose(link);
});

document.addEventListener('pointerdown', (event) => {
  if (viewer()?.dataset.view === 'flip' && event.target.closest('.stage')) cut.hold(true);
});
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => cut.hold(false));

// Keys

function view(name) {
  if (!viewer()) return false;
  showView(name);
  announce(find(`[data-mode="${name}"]`).textContent);
  return true;
}

const inSide = (act) => () => viewer()?.dataset.view === 'side' && act();

bind({
  v: () => view(VIEWS[(VIEWS.indexOf(viewer()?.dataset.view) + 1) % VIEWS.length]),
  1: () => view('slider'),
  2: () => view('side'),
  3: () => view('flip'),
  b: () => cut.hold(true),
  '+': inSide(() => zoom.by(1)),
  '=': inSide(() => zoom.by(1)),
  '-': inSide(() => zoom.by(-1)),
  0: inSide(() => zoom.reset()),
  r: () => follow('[data-rerun]'),
  'Shift+D': () => follow('[data-download]'),
  // What is open closes first.
  Escape: () => !find(':popover-open, dialog[open]') && follow('[data-back]'),
});

start();
