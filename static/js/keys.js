// Keyboard shortcuts. A page binds its own keys with bind(); they never fire while somebody types, with a modifier
// held, or when the account menu's switch has turned them off.
const bound = new Map();
let before = ''; // the first key of a pair such as "g h"
let forget;

const isTyping = (target) =>
  target.isContentEditable || target.matches('textarea, select, input:not([type="checkbox"], [type="radio"], [type="range"])');

export function areKeysOn() {
  try {
    return localStorage.getItem('keys') !== 'off';
  } catch {
    return true;
  }
}

export function turnKeys(on) {
  try {
    localStorage.setItem('keys', on ? 'on' : 'off');
  } catch {
    // Storage may be forbidden: the keys stay on.
  }
}

// bind({ n: handler, 'g h': handler, ArrowLeft: handler, 'Shift+D': handler }): names as in KeyboardEvent.key, a
// letter in lower case; a handler gets the event and returns false when it did nothing, so that the browser does its own.
export function bind(handlers) {
  for (const [keys, handler] of Object.entries(handlers)) bound.set(keys, handler);
}

// For a key that does what a link does; where there is no such link, the key stays the browser's.
export function follow(selector) {
  const link = document.querySelector(selector);
  link?.click();
  return Boolean(link);
}

function nameOf(event) {
  if (event.key.length > 1) return event.key;
  const letter = event.key.toLowerCase();
  const isUpper = event.shiftKey && letter !== event.key;
  return isUpper ? `Shift+${event.key}` : letter;
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isTyping(event.target) || !areKeysOn()) return;
  const name = nameOf(event);
  // After "g", an R is the second key of a pair, also of one that there is not.
  const handler = before ? bound.get(`${before} ${name}`) : bound.get(name);
  const isFirst = !before && [...bound.keys()].some((keys) => keys.startsWith(`${name} `));
  before = isFirst ? name : '';
  clearTimeout(forget);
  forget = setTimeout(() => (before = ''), 1500);
  if (handler && handler(event) !== false) event.preventDefault();
});
