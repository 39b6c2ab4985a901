// Posts the form with progress, which fetch() does not tell. Resolves to { url } | { errors } | { problem, code }.
export function send(address, body, showProgress) {
  const request = new XMLHttpRequest();
  request.open('POST', address);
  request.setRequestHeader('X-Requested-With', 'fetch');
  request.responseType = 'text';
  showProgress(0);
  request.upload.addEventListener('progress', ({ loaded, total, lengthComputable }) => {
    if (lengthComputable) showProgress(Math.floor((100 * loaded) / total));
  });
  request.upload.addEventListener('load', () => showProgress(100));
  return new Promise((resolve) => {
    request.addEventListener('load', () => resolve(outcome(request)));
    for (const name of ['error', 'abort', 'timeout']) {
      request.addEventListener(name, () => resolve({ problem: 'offline' }));
    }
    request.send(body);
  });
}

function outcome({ status, responseText }) {
  if (status === 201 || status === 422) {
    try {
      return JSON.parse(responseText);
    } catch {
      return { problem: 'server', code: status };
    }
  }
  if (status === 413) return { problem: 'too_big' };
  // Led to the sign-in page, or the token of a session that has ended.
  if (status === 200 || status === 401 || status === 403) return { problem: 'signed_out' };
  return { problem: 'server', code: status };
}
