// One edit with fetch:  DESK_URL=… DESK_TOKEN=… node examples/edit.mjs "Make 2 images: …" roof.jpg sky.png
// Saves the results into the present folder. The pictures are files or https links, in the prompt's order.

import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";

const [text, ...pictures] = process.argv.slice(2);
const { DESK_URL, DESK_TOKEN } = process.env;

async function call(url, { headers, ...options } = {}) {
  try {
    const address = new URL(url, `${DESK_URL.replace(/\/+$/, "")}/api/v1/`);
    return await fetch(address, { ...options, headers: { Authorization: `Bearer ${DESK_TOKEN}`, ...headers } });
  } catch (problem) {
    const why = problem.cause?.message || problem.cause?.code || problem.message;
    throw new Error(`${DESK_URL} cannot be asked: ${why}. Check DESK_URL.`);
  }
}

// The answer, if it is a good one; else the end, in words.
async function checked(answer, contentType = "application/json") {
  const found = answer.headers.get("Content-Type") ?? "";
  if (answer.ok && found.startsWith(contentType)) return answer;
  const { errors } = await answer.json().catch(() => ({})); // another server, or a proxy in front, sends no JSON
  const words = errors?.map(({ attr, code, detail }) => `${attr ?? code}: ${detail}`).join("\n");
  const leads = answer.status < 400 && answer.headers.has("Location") ? `, which leads to ${answer.headers.get("Location")}` : "";
  throw new Error(words ?? `${answer.url} answers HTTP ${answer.status}${leads}, not as Seedream Desk does. Check DESK_URL.`);
}

async function start() {
  const body = new FormData();
  body.set("text", text);
  for (const [at, picture] of pictures.entries()) {
    if (picture.startsWith("http")) body.set(`images[${at}]`, picture);
    else body.set(`images[${at}]`, new Blob([await readFile(picture)]), basename(picture));
  }
  // Sent again with the same key, the same edit is not made, and paid, twice. A redirect would lose the body.
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  return checked(await call("jobs/", { method: "POST", body, headers, redirect: "manual" }));
}

// The server says when it is worth asking again; an unchanged job is not sent again.
async function ended(answer) {
  let job = await answer.json();
  let tag = "none";
  while (!job.finished_at) {
    const seconds = Number(answer.headers.get("Retry-After") ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    answer = await call(job.url, { headers: { "If-None-Match": tag } });
    if (answer.status === 304 || answer.status === 429) continue;
    job = await (await checked(answer)).json();
    tag = answer.headers.get("ETag");
  }
  return job;
}

async function main() {
  if (!pictures.length || !DESK_URL || !DESK_TOKEN) {
    throw new Error('DESK_URL=… DESK_TOKEN=… node examples/edit.mjs "Make 2 images: …" roof.jpg sky.png');
  }
  const job = await ended(await start());
  if (job.state !== "completed") throw new Error(`${job.state}: ${job.reason_text} ${job.provider_words}`);
  for (const output of job.outputs) {
    const name = `${output.id}.${output.content_type.split("/")[1]}`;
    const file = await checked(await call(output.url), "");
    await writeFile(name, Buffer.from(await file.arrayBuffer()));
    console.log(name);
  }
}

try {
  await main();
} catch (problem) {
  console.error(problem.message);
  process.exitCode = 1;
}
