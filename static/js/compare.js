// Slider, side by side, flip: the views of one figure, which follows the address. Choosing another picture is a link
// that htmx fetches, so everything is looked up anew when it is needed.
import { bind, follow } from './keys.js';
import { announce, wordsOf } from './words.js';
import { panAndZoom } from './zoom.js';

const VIEWS = ['slider', 'side', 'flip'];
const LARGE_STEP = 10;

const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const viewer = () => find('.viewer');
const word = wordsOf('compare-words');
const zoom = panAndZoom(viewer);
let share = 50;

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

function showShare(value) {
  share = Math.min(100, Math.max(0, value));
  const range = find('.cut');
  range.value = share;
  range.setAttribute('aria-valuetext', word('share', { percent: share }));
  viewer().style.setProperty('--cut', `${share}%`);
}

// What was before, as long as something is held

function hold(isHeld) {
  viewer()?.toggleAttribute('data-held', isHeld);
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
  showShare(share);
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

document.addEventListener('input', (event) => {
  if (event.target.matches('.cut')) showShare(event.target.valueAsNumber);
});

document.addEventListener('keydown', (event) => {
  const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  if (!way || !event.shiftKey || !event.target.matches('.cut')) return;
  event.preventDefault();
  showShare(share + way * LARGE_STEP);
});

document.addEventListener('pointerdown', (event) => {
  if (viewer()?.dataset.view === 'flip' && event.target.closest('.stage')) hold(true);
});
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => hold(false));
document.addEventListener('keyup', (event) => {
  if (event.key.toLowerCase() === 'b') hold(false);
});
addEventListener('blur', () => hold(false));

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
  b: () => hold(true),
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
