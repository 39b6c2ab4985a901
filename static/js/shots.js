// The results: the keys that move among them, and the ones that are selected for a new edit.
import { bind } from './keys.js';
import { wordsOf } from './words.js';

const LIMIT = 10;
const word = wordsOf('job-words');
const picked = document.getElementById('picked');

function showPicked() {
  const count = document.querySelectorAll('.tick :checked').length;
  const isTooMany = count > LIMIT;
  picked.querySelector('[data-picked]').value = word(isTooMany ? 'too_many' : 'picked', { count, limit: LIMIT });
  picked.querySelector('[type="submit"]').disabled = isTooMany;
}

document.addEventListener('change', (event) => {
  if (event.target.form === picked) showPicked();
});
picked.addEventListener('reset', () => setTimeout(showPicked));
addEventListener('pageshow', showPicked);

// Keys. A handler that returns false leaves the key to the browser.

function step(by) {
  const results = [...document.querySelectorAll('[data-result]')];
  if (!results.length || document.activeElement.matches('video')) return false;
  const at = results.findIndex((result) => result.closest('.shot').contains(document.activeElement));
  const next = at < 0 ? (by < 0 ? results.length - 1 : 0) : Math.min(Math.max(at + by, 0), results.length - 1);
  results[next].focus();
  return true;
}

function tick() {
  const box = document.activeElement.closest('.shot')?.querySelector('.tick input');
  box?.click();
  return Boolean(box);
}

function follow(id) {
  const link = document.getElementById(id);
  link?.click();
  return Boolean(link);
}

bind({
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  x: tick,
  r: () => follow('rerun'),
  c: () => follow('compare'),
  'Shift+D': () => follow('archive'),
  i: () => document.getElementById('settings').focus(),
});
