// Polls the job's live section: while the page is visible, slower with the job's age (the server says how slowly), and
// slower still while nobody answers. The finished section carries no data-poll, which ends it.
import { announce, wordsOf } from './words.js';

const LONGEST_WAIT = 30;
const word = wordsOf('job-words');
let failures = 0;
let timer;

const section = () => document.getElementById('live');

function poll() {
  clearTimeout(timer);
  if (!document.hidden && section()?.dataset.poll) htmx.trigger(section(), 'poll');
}

function plan() {
  clearTimeout(timer);
  const seconds = Number(section()?.dataset.poll);
  if (seconds) timer = setTimeout(poll, 1000 * Math.min(seconds * 2 ** failures, LONGEST_WAIT));
}

function showConnection() {
  const note = section().querySelector('[data-reconnecting]');
  if (note) note.hidden = failures === 0;
}

// The heading is told when the state changes, and only then: not every poll is news.
let state = section().dataset.state;

function tellState() {
  if (section().dataset.state === state) return;
  state = section().dataset.state;
  announce(document.getElementById('badge').textContent.trim());
}

// A result that stays is moved into the new section, and loses the focus where the browser cannot move without it.
function keepFocus() {
  const focused = document.activeElement;
  setTimeout(() => {
    if (document.activeElement === document.body && focused.isConnected) focused.focus({ preventScroll: true });
  });
}

function afterPoll(event) {
  if (event.detail.requestConfig.elt.id !== 'live') return;
  const { status } = event.detail.xhr;
  if ([401, 403, 404].includes(status)) {
    location.reload();
    return;
  }
  failures = status >= 200 && status < 400 ? 0 : failures + 1;
  // After the swap, which comes with the same tick.
  setTimeout(() => {
    showConnection();
    tellState();
    showTimes();
    plan();
  });
}

// Elapsed time, ticking between the polls

const two = (number) => String(number).padStart(2, '0');

function clock(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(Math.floor(seconds % 60));
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function showElapsed() {
  for (const place of document.querySelectorAll('[data-from]')) {
    const { from, to } = place.dataset;
    const time = clock(Math.max(0, (to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000);
    place.textContent = to ? word('took', { time }) : time;
  }
}

// Half of all jobs take longer than the median: only one that takes much longer is told to.
function timeLeft({ usual, since, words }) {
  const elapsed = (Date.now() - Date.parse(since)) / 1000;
  if (!(elapsed >= 0)) return words;
  if (elapsed < usual - 1) return word('left', { time: clock(usual - elapsed) });
  return elapsed > 1.5 * usual ? word('longer') : words;
}

function showTimes() {
  showElapsed();
  const place = section().querySelector('[data-usual]');
  if (place) place.textContent = timeLeft(place.dataset);
}

document.addEventListener('htmx:beforeSwap', keepFocus);
document.addEventListener('htmx:afterRequest', afterPoll);
document.addEventListener('visibilitychange', poll);
setInterval(showTimes, 1000);
showTimes();
plan();
