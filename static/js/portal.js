import { areKeysOn, bind, turnKeys } from './keys.js';
import { announce, wordsOf } from './words.js';

const word = wordsOf('portal-words');

// Theme

function chosenTheme() {
  try {
    return localStorage.getItem('theme') ?? 'auto';
  } catch {
    return 'auto';
  }
}

function choose(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // Storage may be forbidden; the choice holds for this page then.
  }
}

for (const radio of document.querySelectorAll('input[name="theme"]')) {
  radio.checked = radio.value === chosenTheme();
  radio.addEventListener('change', () => choose(radio.value));
}

// A month's chart is wider than a phone: its newest days are what people come for.
for (const box of document.querySelectorAll('[data-to-end]')) box.scrollLeft = box.scrollWidth;

// Copying: <button data-copy="#id-of-the-text">

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // No clipboard without https: the old way still works there.
    getSelection().selectAllChildren(element);
    return document.execCommand('copy');
  }
}

function showIcon(button, name) {
  const use = button.querySelector('use');
  use.setAttribute('href', use.getAttribute('href').replace(/#.*/, `#${name}`));
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const done = await copy(document.querySelector(button.dataset.copy));
  announce(word(done ? 'copied' : 'not_copied'));
  if (!done) return;
  showIcon(button, 'check');
  setTimeout(() => showIcon(button, 'copy'), 2000);
});

// Keys of every page: each link that names its keys in data-keys, the help, the search

for (const link of document.querySelectorAll('[data-keys]')) bind({ [link.dataset.keys]: () => link.click() });

const help = document.getElementById('keys');
const searchField = () => document.querySelector('input[type="search"]');

function search() {
  const field = searchField();
  if (field) field.focus();
  else location.assign(`${document.querySelector('[data-keys="g h"]').href}#search`);
}

if (help) bind({ '?': () => help.togglePopover(), '/': search });
if (location.hash === '#search') searchField()?.focus();

const keysSwitch = document.querySelector('[data-keys-switch]');

function showKeys() {
  keysSwitch.checked = areKeysOn();
  help.querySelector('[data-keys-off]').hidden = areKeysOn();
}

if (keysSwitch) {
  showKeys();
  keysSwitch.addEventListener('change', () => {
    turnKeys(keysSwitch.checked);
    showKeys();
    announce(word(keysSwitch.checked ? 'keys_on' : 'keys_off'));
  });
}

// A request that was led elsewhere (to the sign-in page) has no fragment: let the browser go there itself.
document.addEventListener('htmx:beforeSwap', (event) => {
  const { xhr, requestConfig } = event.detail;
  const asked = new URL(requestConfig.path, location.href).pathname;
  if (!xhr.responseURL || new URL(xhr.responseURL).pathname === asked) return;
  event.detail.shouldSwap = false;
  location.reload();
});

// That edits wait for the worker is told on pages that stay open, too, and taken back there.
const LOOK_SECONDS = 15;
const note = document.getElementById('worker-note');

async function lookAtWorker() {
  if (document.hidden) return;
  const shown = note.querySelector('[data-trouble]')?.dataset.trouble ?? '';
  try {
    const answer = await fetch(`${note.dataset.address}?shown=${shown}`, { redirect: 'manual' });
    if (answer.status === 200) note.innerHTML = await answer.text();
  } catch {
    // Nobody answers; the next look may find somebody.
  }
}

if (note) setInterval(lookAtWorker, LOOK_SECONDS * 1000);
