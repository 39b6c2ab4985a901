// The list of pictures on the form: chosen, dropped, pasted, linked or kept ones and earlier results; checked by the
// server's rules, reordered and removed. `changed` is called whenever the list differs.
import { LIMIT, fileName, fileProblem, linkOf, resultOf, sizeOf, sizeProblem } from './checks.js';
import { place, watchGrips } from './order.js';

export function pictureList(form, { word, announce, showErrors, changed }) {
  const list = form.querySelector('.previews');
  const adder = list.querySelector('[data-add]');
  const chooser = adder.querySelector('input');
  const blank = document.getElementById('picture').content.firstElementChild;
  const values = new Map(); // each list item's File, link, kept reference or word for a result

  const items = () => [...list.querySelectorAll('.prev')];
  const nameOf = (item) => item.querySelector('.name [data-name]').textContent;

  function renumber() {
    const all = items();
    all.forEach((item, at) => {
      item.querySelector('.num').textContent = at + 1;
      item.querySelector('[data-number]').textContent = at + 1;
      item.querySelector('[data-move="-1"]').disabled = at === 0;
      item.querySelector('[data-move="1"]').disabled = at === all.length - 1;
    });
    adder.hidden = all.length >= LIMIT;
  }

  function update() {
    renumber();
    changed();
  }

  // Adding: each way returns what is wrong, in words, or nothing

  function add(value, name, detail, preview) {
    if (items().length >= LIMIT) return word('too_many', { name, limit: LIMIT });
    const item = blank.cloneNode(true);
    for (const where of item.querySelectorAll('[data-name]')) where.textContent = name;
    item.querySelector('[data-dim]').textContent = detail;
    const image = item.querySelector('img');
    if (preview) Object.assign(image, preview);
    image.hidden = !preview;
    item.querySelector('[data-blank]').hidden = Boolean(preview);
    values.set(item, value);
    adder.before(item);
    update();
    return '';
  }

  async function addSeen(value, name, src, unreadable) {
    try {
      const { width, height } = await sizeOf(src);
      const size = `${width} × ${height}`;
      const problem = sizeProblem({ width, height });
      return problem ? word(problem, { name, size }) : add(value, name, size, { src, width, height });
    } catch {
      return word(unreadable, { name });
    }
  }

  async function addFile(file) {
    const { name } = file;
    const wrong = fileProblem(file);
    if (wrong) return word(wrong, { name });
    const src = URL.createObjectURL(file);
    const problem = await addSeen(file, name, src, 'unreadable');
    if (problem) URL.revokeObjectURL(src);
    return problem;
  }

  async function addLink(text) {
    const result = resultOf(text);
    if (result) return addSeen(`output:${result}`, word('result'), `/outputs/${result}/`, 'gone');
    const url = linkOf(text);
    return url ? add(text, fileName(url), word('linked')) : word('bad_link', { name: text });
  }

  function addPicked(picked) {
    const image = picked.querySelector('img');
    const [width, height] = ['width', 'height'].map((side) => Number(image.getAttribute(side)));
    const [size, { name, use }] = [`${width} × ${height}`, picked.dataset];
    const problem = sizeProblem({ width, height });
    return problem ? word(problem, { name, size }) : add(use, name, size, { src: image.currentSrc || image.src, width, height });
  }

  function report(problems) {
    const bad = problems.filter(Boolean);
    showErrors('images', bad);
    announce([word('pictures', { count: items().length }), ...bad].join('. '));
  }

  // One after the other, so that they stay in their order.
  async function addAll(things, addOne) {
    const problems = [];
    for (const thing of things) problems.push(await addOne(thing));
    report(problems);
    return problems;
  }

  async function addLinks(text) {
    const links = text.split(/\s+/).filter((line) => line && !line.startsWith('#'));
    const problems = await addAll(links, addLink);
    return links.filter((_, at) => problems[at]).join(' ');
  }

  // Moving and removing

  function tellMoved(item) {
    update();
    announce(word('moved', { name: nameOf(item), number: items().indexOf(item) + 1 }));
  }

  function move(item, by) {
    place(items(), item, items().indexOf(item) + by);
    tellMoved(item);
    (item.querySelector(`[data-move="${by}"]:enabled`) ?? item.querySelector('[data-move]:enabled')).focus();
  }

  function remove(item) {
    const at = items().indexOf(item);
    const image = item.querySelector('img');
    if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
    values.delete(item);
    item.remove();
    update();
    announce(word('removed', { name: nameOf(item) }));
    const next = items()[at] ?? items()[at - 1];
    (next?.querySelector('[data-remove]') ?? chooser).focus();
  }

  function onButton(event) {
    const button = event.target.closest('button');
    const item = button?.closest('.prev');
    if (!item) return;
    if ('remove' in button.dataset) remove(item);
    else if (button.dataset.move) move(item, Number(button.dataset.move));
  }

  function takeOverKept() {
    for (const item of items()) {
      values.set(item, item.dataset.ref);
      for (const plain of item.querySelectorAll('input')) plain.remove();
    }
  }

  // Where pictures come from

  function watchChooser() {
    chooser.addEventListener('change', async () => {
      const files = [...chooser.files];
      // Empty again, so that the same file can be chosen anew after it was removed.
      chooser.value = '';
      await addAll(files, addFile);
    });
  }

  function watchDrop(area) {
    const over = (event) => {
      if (![...event.dataTransfer.types].some((type) => type === 'Files' || type === 'text/uri-list')) return;
      event.preventDefault();
      area.classList.add('over');
    };
    area.addEventListener('dragenter', over);
    area.addEventListener('dragover', over);
    area.addEventListener('dragleave', (event) => {
      if (!area.contains(event.relatedTarget)) area.classList.remove('over');
    });
    area.addEventListener('drop', (event) => {
      area.classList.remove('over');
      event.preventDefault();
      const files = [...event.dataTransfer.files];
      const links = event.dataTransfer.getData('text/uri-list');
      // A result dragged from another tab brings a file too: its small copy for pages.
      if (files.length && !resultOf(links)) addAll(files, addFile);
      else addLinks(links);
    });
  }

  function watchPaste() {
    document.addEventListener('paste', (event) => {
      const files = [...event.clipboardData.files];
      const text = event.clipboardData.getData('text/plain').trim();
      const isTyping = event.target.closest?.('input, textarea');
      if (files.length) addAll(files, addFile);
      else if (!isTyping && (linkOf(text) || resultOf(text))) addLinks(text);
      else return;
      event.preventDefault();
    });
  }

  async function takeTypedLink() {
    const input = form.querySelector('[data-link] input');
    if (input.value.trim()) input.value = await addLinks(input.value);
  }

  function watchLink(box) {
    const input = box.querySelector('input');
    const take = () => {
      takeTypedLink();
      input.focus();
    };
    box.querySelector('button').addEventListener('click', take);
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || event.isComposing || !input.value.trim()) return;
      event.preventDefault();
      take();
    });
  }

  function watchRecent(area) {
    area.addEventListener('click', (event) => {
      const picked = event.target.closest('[data-use]');
      if (!picked || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      report([addPicked(picked)]);
    });
  }

  takeOverKept();
  list.addEventListener('click', onButton);
  watchGrips(list, items, tellMoved);
  watchChooser();
  watchDrop(form.querySelector('[data-drop]'));
  watchLink(form.querySelector('[data-link]'));
  watchPaste();
  watchRecent(form.querySelector('[data-recent]'));
  renumber();

  return {
    count: () => items().length,
    inOrder: () => items().map((item) => values.get(item)),
    takeTypedLink,
  };
}
