// One edit with fetch:  DESK_URL=… DESK_TOKEN=… node examples/edit.mjs "Make 2 images: …" roof.jpg sky.png
// Saves the results into the present folder. The pictures are files or https links, in the prompt's order.

import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";

const [text, ...pictures] = process.argv.slice(2);
const api = `${process.env.DESK_URL}/api/v1/`;

const call = (url, { headers, ...options } = {}) =>
  fetch(new URL(url, api), { ...options, headers: { Authorization: `Bearer ${process.env.DESK_TOKEN}`, ...headers } });

async function checked(answer) {
  if (answer.ok) return answer;
  const { errors } = await answer.json();
  throw new Error(errors.map(({ attr, code, detail }) => `${attr ?? code}: ${detail}`).join("\n"));
}

async function start() {
  const body = new FormData();
  body.set("text", text);
  for (const [at, picture] of pictures.entries()) {
    if (picture.startsWith("http")) body.set(`images[${at}]`, picture);
    else body.set(`images[${at}]`, await openAsBlob(picture), basename(picture));
  }
  // Sent again with the same key, the same edit is not made, and paid, twice.
  return checked(await call("jobs/", { method: "POST", body, headers: { "Idempotency-Key": crypto.randomUUID() } }));
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

const job = await ended(await start());
if (job.state !== "completed") throw new Error(`${job.state}: ${job.reason_text} ${job.provider_words}`);
for (const output of job.outputs) {
  const name = `${output.id}.${output.content_type.split("/")[1]}`;
  const file = await checked(await call(output.url));
  await writeFile(name, Buffer.from(await file.arrayBuffer()));
  console.log(name);
}
