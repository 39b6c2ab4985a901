// Deciding by keys. htmx puts the next picture in the place of this one, so everything is looked up when it is needed;
// without it the same forms and links load pages of their own.
import { bind, follow } from './keys.js';
import { slider } from './slider.js';
import { announce, wordsOf } from './words.js';

const UNDO_SECONDS = 8;
const TWICE_SECONDS = 0.5; // within which a second click is a double click's, meant for the picture before
const ANSWERS = [409, 422]; // a page again: the other's verdict, or what is missing

const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const word = wordsOf('review-words');
const cut = slider(() => find('#viewer'), (percent) => word('share', { percent }));
const now = () => performance.now() / 1000;
const text = (selector) => find(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
let shownAt = now();
let undoUntil = find('[data-undo]') ? now() + UNDO_SECONDS : 0;

// Deciding

const reasons = () => all('.reasons input');
const reason = () => reasons().find((radio) => radio.checked);

// By a key it is asked as the next step, by a press of the button as what was forgotten.
function askForReason(isForgotten) {
  const line = find('#reason-errors');
  if (isForgotten) Object.assign(line, { hidden: false, textContent: word('missing') });
  reasons()[0]?.focus();
  announce(word('choose'));
}

function choose(radio) {
  if (!radio) return false;
  radio.checked = true;
  radio.focus();
  find('#reason-errors').hidden = true;
  announce(word('chosen', { reason: radio.nextSibling.textContent }));
  return true;
}

// A key that is held says it once.
const press = (selector) => (event) => event.repeat || follow(selector);

function undo() {
  const isTime = now() < undoUntil && find('[data-undo]');
  if (isTime) find('[data-undo] button').click();
  return Boolean(isTime);
}

document.addEventListener(
  'click',
  (event) => {
    const button = event.target.closest('[name="verdict"], [name="set"]');
    if (!button) return;
    const isMeantForLast = event.detail > 1 && now() - shownAt < TWICE_SECONDS;
    const isWithoutReason = button.value === 'rejected' && !reason();
    if (!isMeantForLast && !isWithoutReason) return;
    event.preventDefault();
    event.stopPropagation();
    if (isWithoutReason) askForReason(event.detail > 0);
  },
  true,
);

document.addEventListener('input', (event) => {
  if (event.target.id === 'note') find('[data-count]').value = `${event.target.value.length} / `;
});

// Moving on

const isInGroup = () => document.activeElement?.matches('.cut, .reasons input, video');

const go = (way, end) => (event) => {
  if (event.key.startsWith('Arrow') && isInGroup()) return false;
  const isGone = follow(`[data-way="${way}"]`);
  if (!isGone && end) announce(word(end));
  return isGone;
};

function search() {
  const field = find('.narrow input');
  if (!field) return false;
  field.closest('details').open = true;
  field.focus();
  return true;
}

bind({
  a: press('#approve'),
  r: press('#reject'),
  z: (event) => event.repeat || undo(),
  j: go('down', 'last'),
  k: go('up', 'first'),
  ArrowDown: go('down', 'last'),
  ArrowUp: go('up', 'first'),
  ArrowLeft: go('left'),
  ArrowRight: go('right'),
  b: () => cut.hold(true),
  c: () => follow('[data-compare]'),
  '/': search,
});
for (let digit = 1; digit <= 9; digit += 1) bind({ [digit]: () => choose(find(`#reason-${digit}`)) });

// What comes next is loaded while this one is looked at, in the copies that this screen will ask for.

function loadAhead() {
  for (const { sizes, srcset, src } of find('#ahead')?.content.querySelectorAll('img') ?? []) {
    Object.assign(new Image(), { fetchPriority: 'low', sizes, srcset, src });
  }
}

// Who else is here

function poll() {
  const others = find('#others');
  if (others && !document.hidden) htmx.trigger(others, 'poll');
}

document.addEventListener('visibilitychange', poll);
setInterval(poll, 1000 * Number(find('#others')?.dataset.poll ?? 10));

// htmx: what a link and a form alone do not do

function show() {
  shownAt = now();
  cut.show();
  for (const chosen of all('.queue [aria-current], .thumbs [aria-current]')) {
    const box = chosen.closest('.queue, .strip');
    box.scrollTop = chosen.offsetTop - box.offsetTop - 60;
    box.scrollLeft = chosen.offsetLeft - box.offsetLeft - 60;
  }
  loadAhead();
}

const told = () => ['#decided p', '#notices p', '#clash', '#reason-errors', '#note-errors', '#title'].map(text).filter(Boolean).join(' ');

// The buttons keep the focus from picture to picture; from the reasons, or a link that is gone, it goes to the heading.
function showNext(isDecided) {
  show();
  const problem = find('#clash, .reasons [aria-invalid], .note [aria-invalid]');
  const isLost = document.activeElement === document.body || document.activeElement.matches('.reasons input');
  // Later: htmx is still about to scroll to the top.
  if (problem || isLost) setTimeout(() => (problem ?? find('#title')).focus({ preventScroll: !problem }));
  announce(isDecided ? told() : text('#title'));
}

document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  if (detail.target.id !== 'review' || !ANSWERS.includes(detail.xhr.status)) return;
  Object.assign(detail, { shouldSwap: true, isError: false });
});

document.addEventListener('htmx:afterSettle', ({ target, detail }) => {
  if (target.id === 'others') {
    if (text('#others')) announce(text('#others'));
  } else if (target.id === 'viewer') cut.show();
  else if (target.id === 'review') {
    const isDecided = detail.requestConfig.verb === 'post';
    if (isDecided) undoUntil = find('[data-undo]') ? now() + UNDO_SECONDS : 0;
    showNext(isDecided);
  }
});

function fail({ detail }) {
  if (detail.requestConfig.elt.id === 'others') return;
  if (detail.xhr.status >= 400 && detail.xhr.status < 500) {
    location.reload();
    return;
  }
  for (const line of all('[data-failed]')) Object.assign(line, { hidden: false, textContent: word('failed') });
  announce(word('failed'));
}

for (const problem of ['htmx:sendError', 'htmx:responseError', 'htmx:timeout']) document.addEventListener(problem, fail);

if (document.readyState === 'complete') loadAhead();
else addEventListener('load', loadAhead);
show();
