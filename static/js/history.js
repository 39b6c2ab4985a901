// The history as a gallery: filters and "Load 24 more" by htmx, selecting many, keys. Without it the same form has
// checkboxes, and every link and button goes to a page of its own.
import { bind } from './keys.js';
import { announce, wordsOf } from './words.js';

const word = wordsOf('history-words');
const selecting = document.getElementById('selecting');
let anchor = null; // the tile that a range begins with

const tiles = () => [...document.querySelectorAll('.tile')];
const boxOf = (tile) => tile.querySelector('.pick input');
const picked = () => tiles().filter((tile) => boxOf(tile).checked);
const current = () => document.activeElement?.closest('.tile');
const control = (name) => document.querySelector(`#bulk [data-${name}]`);

// What is selected

function show() {
  if (!document.getElementById('bulk')) return;
  const chosen = picked();
  document.querySelector('#bulk output').value = word('selected', { count: chosen.length });
  control('all').disabled = chosen.length === tiles().length;
  control('download').disabled = chosen.length === 0;
  control('compare').disabled = chosen.length !== 2;
  control('rerun').disabled = chosen.length !== 1;
  control('rerun').value = chosen.length === 1 ? boxOf(chosen[0]).value : '';
}

function set(some, isPicked) {
  for (const tile of some) boxOf(tile).checked = isPicked;
  show();
}

function between(one, other) {
  const all = tiles();
  const [from, to] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  return all.slice(Math.max(from, 0), to + 1);
}

// With shift all from the last one touched to this one become as this one.
function pick(tile, isPicked, isRange) {
  set(isRange && anchor?.isConnected ? between(anchor, tile) : [tile], isPicked);
  anchor = tile;
}

function clear() {
  set(tiles(), false);
  anchor = null;
}

document.addEventListener('click', (event) => {
  const tile = event.target.closest('.tile');
  if (event.target.closest('[data-all]')) set(tiles(), true);
  else if (event.target.matches('.pick input')) pick(tile, event.target.checked, event.shiftKey);
  else if (selecting.checked && event.target.closest('.shot') && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    pick(tile, event.shiftKey || !boxOf(tile).checked, event.shiftKey);
  }
});

// A range that is drawn by shift and the mouse selects no text.
document.addEventListener('mousedown', (event) => {
  if (event.shiftKey && event.target.closest('.pick')) event.preventDefault();
});

document.addEventListener('reset', (event) => {
  if (event.target.id === 'bulk') setTimeout(clear);
});

// Keys

const middle = (tile) => {
  const box = tile.getBoundingClientRect();
  return box.left + box.width / 2;
};

// The nearest one of the row above or below.
function inNextRow(tile, step) {
  const all = step > 0 ? tiles() : tiles().reverse();
  const rest = all.slice(all.indexOf(tile) + 1);
  const top = (other) => Math.round(other.getBoundingClientRect().top);
  const first = rest.find((other) => (top(other) - top(tile)) * step > 0);
  const row = rest.filter((other) => first && top(other) === top(first));
  return row.sort((a, b) => Math.abs(middle(a) - middle(tile)) - Math.abs(middle(b) - middle(tile)))[0];
}

function beside(tile, step) {
  const all = tiles();
  return all[all.indexOf(tile) + step];
}

function move(find, step) {
  return (event) => {
    const tile = current();
    if (!tile) return false;
    const goal = find(tile, step);
    if (!goal) return true;
    if (event.shiftKey) {
      if (!boxOf(tile).checked) pick(tile, true);
      pick(goal, true, true);
    }
    goal.querySelector('.shot').focus();
    return true;
  };
}

function toggle() {
  const tile = current();
  if (!tile) return false;
  pick(tile, !boxOf(tile).checked);
  announce(word('selected', { count: picked().length }));
  return true;
}

function compare() {
  if (picked().length === 2) control('compare').click();
  else announce(word('choose_two'));
}

// Of what is selected, else of the tile in focus.
function download() {
  if (picked().length === 0 && !current()) return false;
  if (picked().length) control('download').click();
  else location.assign(`${control('download').formAction}?job=${boxOf(current()).value}`);
  return true;
}

function rerun() {
  const tile = current() ?? (picked().length === 1 && picked()[0]);
  if (!tile) return false;
  location.assign(`${control('rerun').formAction}?from=${boxOf(tile).value}`);
  return true;
}

function open() {
  if (!current()) return false;
  location.assign(current().querySelector('.shot').href);
  return true;
}

function leave() {
  if (document.querySelector(':popover-open') || (picked().length === 0 && !selecting.checked)) return false;
  selecting.checked = false;
  clear();
  announce(word('selected', { count: 0 }));
  return true;
}

bind({
  ArrowLeft: move(beside, -1),
  ArrowRight: move(beside, 1),
  ArrowUp: move(inNextRow, -1),
  ArrowDown: move(inNextRow, 1),
  x: toggle,
  c: compare,
  'Shift+D': download,
  r: rerun,
  i: open,
  Escape: leave,
});

// htmx: what a link and a form alone do not do

let before = 0;

document.addEventListener('htmx:configRequest', (event) => {
  const data = event.detail.formData;
  for (const [name, value] of [...data]) if (!value) data.delete(name);
});

document.addEventListener('htmx:beforeRequest', (event) => {
  before = tiles().length;
  for (const line of document.querySelectorAll('[data-failed]')) line.hidden = true;
  event.detail.elt.closest('.filters, .more')?.setAttribute('aria-busy', 'true');
});

document.addEventListener('htmx:afterRequest', () => {
  for (const busy of document.querySelectorAll('[aria-busy]')) busy.removeAttribute('aria-busy');
});

document.addEventListener('htmx:afterOnLoad', (event) => {
  if (event.detail.elt.matches('.filters')) announce(document.getElementById('tally').textContent);
  else if (tiles().length > before) {
    announce(word('loaded', { count: tiles().length - before }));
    tiles()[before].querySelector('.shot').focus({ preventScroll: true });
  }
  show();
});

for (const problem of ['htmx:sendError', 'htmx:responseError', 'htmx:timeout']) {
  document.addEventListener(problem, (event) => {
    event.detail.elt.closest('.filters, .more').querySelector('[data-failed]').hidden = false;
  });
}

show();
