// What a picture must be, by the server's rules, and what a dropped or pasted text names.
export const LIMIT = 10;
const LARGEST = 10 * 1024 * 1024;
const [SHORTEST_SIDE, LONGEST_SIDE] = [14, 6000];
const [NARROWEST, WIDEST] = [0.33, 3];
const TYPES = ['image/jpeg', 'image/png'];
const OF_A_RESULT = /^\/(?:api\/v1\/)?(?:outputs|pictures)\/([0-9a-f-]{36})\//i;

// Each problem is a key of the page's words.
export function fileProblem(file) {
  if (!TYPES.includes(file.type)) return 'bad_type';
  return file.size >= LARGEST ? 'too_large' : '';
}

export function sizeProblem({ width, height }) {
  const isSideWrong = [width, height].some((side) => side <= SHORTEST_SIDE || side >= LONGEST_SIDE);
  if (isSideWrong) return 'bad_sides';
  return width / height <= NARROWEST || width / height >= WIDEST ? 'bad_ratio' : '';
}

export async function sizeOf(src) {
  const image = new Image();
  image.src = src;
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
  });
  return { width: image.naturalWidth, height: image.naturalHeight };
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

export function linkOf(text) {
  const url = parsed(text);
  return url?.protocol === 'https:' && url.hostname ? url : null;
}

// The id of a result that a link of this site leads to, or that it would add to the form.
export function resultOf(text) {
  const url = parsed(text);
  if (url?.origin !== location.origin) return '';
  return OF_A_RESULT.exec(url.pathname)?.[1] ?? url.searchParams.getAll('output').at(-1) ?? '';
}

export function fileName(url) {
  const last = url.pathname.split('/').pop();
  try {
    return decodeURIComponent(last) || url.hostname;
  } catch {
    return last;
  }
}
