// What was typed outlives a reload: not every browser keeps it then. It stays in this tab and is read only by a reload.
const NAMES = ['text', 'image_size', 'sequential_image_generation_options', 'seed', 'optimize_prompt_options'];

function store(read) {
  try {
    return read(sessionStorage);
  } catch {
    return null; // Storage may be forbidden, and is small.
  }
}

export function keepDraft(form) {
  const key = `draft:${location.pathname}${location.search}`;
  const [visit] = performance.getEntriesByType('navigation');
  const draft = visit?.type === 'reload' && store((storage) => JSON.parse(storage.getItem(key)));
  for (const name of draft ? NAMES : []) form.elements[name].value = draft[name] ?? '';
  addEventListener('pagehide', () => {
    const typed = Object.fromEntries(NAMES.map((name) => [name, form.elements[name].value]));
    store((storage) => storage.setItem(key, JSON.stringify(typed)));
  });
}
