import { keepDraft } from './draft.js';
import { pictureList } from './pictures.js';
import { send } from './send.js';
import { announce, wordsOf } from './words.js';

const TOGETHER = 15; // pictures in and out that the model takes at most
const MAY_BE_INVALID = 'textarea, input:is([type="text"], [type="file"])'; // ARIA knows no invalid radio button

const COMPARED = ['text', 'image_size', 'sequential_image_generation_options', 'seed', 'optimize_prompt_options'];

const form = document.querySelector('.compose');
const word = wordsOf('form-words');
const prompt = form.elements.text;
const count = form.elements.sequential_image_generation_options;
const button = form.querySelector('[data-submit]');
const [referred, number] = [new RegExp(form.dataset.referred, 'giu'), new RegExp(form.dataset.number, 'iu')];
const told = (id) => JSON.parse(document.getElementById(id)?.textContent ?? '{}');
const [usual, origin] = [told('usual'), told('origin')];

// Errors, in the same places as the server's

function showErrors(name, lines) {
  const place = form.querySelector(`[data-errors="${name}"]`) ?? form.querySelector('[data-errors="__all__"]');
  const texts = lines.map((line) => Object.assign(document.createElement('p'), { textContent: line }));
  (place.querySelector('[data-lines]') ?? place).replaceChildren(...texts);
  place.hidden = lines.length === 0;
  const control = controlOf(name);
  if (lines.length && control?.matches(MAY_BE_INVALID)) control.setAttribute('aria-invalid', 'true');
  else control?.removeAttribute('aria-invalid');
}

function controlOf(name) {
  const field = form.querySelector(`[data-field="${name}"]`);
  return field?.querySelector('input[type="file"]') ?? field?.querySelector('input:checked, input, textarea');
}

function showAllErrors(errors) {
  for (const place of form.querySelectorAll('[data-errors]')) showErrors(place.dataset.errors, []);
  for (const [name, lines] of Object.entries(errors)) showErrors(name, lines);
  const first = [...form.querySelectorAll('[data-errors]')].find((place) => !place.hidden);
  (controlOf(first.dataset.errors) ?? first).focus();
  announce(first.textContent.trim().replace(/\s+/g, ' '));
}

// What the numbers mean, as they change

const money = new Intl.NumberFormat(document.documentElement.lang, {
  style: 'currency',
  currency: 'USD',
  currencyDisplay: 'narrowSymbol',
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});

function showEstimate() {
  const number = Number(count.value);
  form.querySelector('[data-count-value]').value = number;
  const price = Number(form.dataset.unitPrice);
  if (!form.dataset.unitPrice) return;
  form.querySelector('[data-total]').value = money.format(number * price);
  form.querySelector('[data-formula]').value = word('formula', { count: number, price: money.format(price) });
}

function showUsual() {
  for (const place of form.querySelectorAll('[data-usual]')) {
    place.textContent = usual[place.dataset.usual]?.[count.value] ?? '';
  }
}

// The server's seedream.advice(), as the fields change

function showOneAdvice(id, text) {
  const advice = document.getElementById(id);
  advice.hidden = !text;
  advice.querySelector('span').textContent = text;
}

function showAdvice() {
  const [wanted, left] = [Number(count.value), TOGETHER - pictures.count()];
  const isSilent = wanted > 1 && prompt.value.trim() && !number.test(prompt.value.replace(referred, ''));
  showOneAdvice('text-advice', isSilent ? word('advice_text', { count: wanted }) : '');
  showOneAdvice('count-advice', wanted > left ? word('advice_count', { count: left }) : '');
}

function showChanges() {
  const place = document.querySelector('[data-changed]');
  if (!place) return;
  const settings = COMPARED.filter((name) => form.elements[name].value.trim() !== String(origin[name] ?? '').trim());
  const arePicturesOther = pictures.inOrder().join('\n') !== started;
  const changes = settings.length + Number(arePicturesOther);
  place.textContent = ` ${word(changes ? 'changed' : 'unchanged', { count: changes })}`;
}

// Code points, as the server counts them
const overLimit = () => [...prompt.value].length - Number(prompt.dataset.limit);

function showLength() {
  const output = form.querySelector('[data-count]');
  output.value = [...prompt.value].length;
  output.parentElement.classList.toggle('over', overLimit() > 0);
}

// The key makes a second sending of the same edit harmless; a changed edit is another one.
function renewKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  form.elements.idempotency_key.value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function showAll() {
  showEstimate();
  showUsual();
  showLength();
  showAdvice();
  showChanges();
}

function onChange() {
  renewKey();
  showAll();
}

// Sending

function problems() {
  const errors = {};
  const over = overLimit();
  if (!pictures.count()) errors.images = [word('none')];
  if (!prompt.value.trim()) errors.text = [word('no_text')];
  else if (over > 0) errors.text = [word('long_text', { count: over })];
  return errors;
}

function body() {
  const data = new FormData(form);
  for (const name of ['images', 'links']) data.delete(name);
  pictures.inOrder().forEach((value, at) => data.append(`images[${at}]`, value));
  // After signing in again in another tab, only the cookie knows the new token.
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  if (token) data.set('csrfmiddlewaretoken', token);
  return data;
}

function showProgress(percent) {
  const sending = form.querySelector('[data-sending]');
  sending.hidden = percent === null;
  sending.querySelector('progress').value = percent ?? 0;
  sending.querySelector('p').textContent = percent === 100 ? word('checking') : word('sending', { percent });
}

async function submit() {
  if (button.disabled) return;
  button.disabled = true;
  await pictures.takeTypedLink();
  button.disabled = false;
  const errors = problems();
  if (Object.keys(errors).length) {
    showAllErrors(errors);
    return;
  }
  for (const place of form.querySelectorAll('[data-errors]')) showErrors(place.dataset.errors, []);
  button.disabled = true;
  const answer = await send(form.action, body(), showProgress);
  if (answer.url) {
    renewKey();
    location.assign(answer.url);
    return;
  }
  showProgress(null);
  button.disabled = false;
  showAllErrors(answer.errors ?? { __all__: [word(answer.problem, { code: answer.code })] });
}

keepDraft(form);
const pictures = pictureList(form, { word, announce, showErrors, changed: onChange });
const started = pictures.inOrder().join('\n');
onChange();

form.addEventListener('input', onChange);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit();
  }
});
form.querySelector('[data-dice]').addEventListener('click', () => {
  form.elements.seed.value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  onChange();
});
// Back from the job's page, the form is as it was left: ready for another go.
addEventListener('pageshow', ({ persisted }) => {
  showAll();
  if (!persisted) return;
  showProgress(null);
  button.disabled = false;
});
if (/Mac|iPhone|iPad/.test(navigator.platform)) form.querySelector('.summary kbd').textContent = '⌘ ↵';
