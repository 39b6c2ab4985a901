// The page's own texts for scripts: <template id="…"><p data-word="key">{name}: larger than 10 MB</p></template>,
// so that they are translated where all the others are.
export function wordsOf(id) {
  const template = document.getElementById(id);
  const texts = Object.fromEntries(
    [...template.content.querySelectorAll('[data-word]')].map((line) => [line.dataset.word, line.textContent.trim()]),
  );
  const plural = new Intl.PluralRules(document.documentElement.lang);

  return (key, values = {}) => {
    const text = texts[key] ?? texts[`${key}_${plural.select(values.count ?? 0)}`] ?? texts[`${key}_other`];
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  };
}

const region = document.getElementById('announce');

// Screen readers say nothing when the same text is set twice; the pause makes it a change.
export function announce(text) {
  region.textContent = '';
  setTimeout(() => {
    region.textContent = text;
  }, 50);
}
