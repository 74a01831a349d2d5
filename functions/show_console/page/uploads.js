// @ts-check
/**
 * Files on their way to the bucket. An upload goes on while other views are shown; who closes the page is warned.
 *
 * Where it breaks off it is tried again, each time with a new address: one is good for an hour.
 */

import { apiTime, get, part, waited } from "./api.js";
import { size } from "./elements/shown.js";
import { session } from "./session.js";
import { store } from "./store.js";

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {number} sent Bytes.
 * @property {number} [sentAt] When all of it had arrived.
 * @property {"sending" | "sent" | "failed"} state
 * @property {string} words Why it waits, or why it failed.
 * @property {() => void} stop
 */

/** What S3 takes in one PUT, and so the API. */
const MAX_BYTES = 5 * 1024 ** 3;
const TRIES = 10;
const LONGEST_PAUSE_S = 30;
/** How long the bucket may take nothing. */
const SILENCE_MS = 60_000;

/** By the id of the import; a new map at each change. */
export const uploads = store(/** @type {ReadonlyMap<string, Upload>} */ (new Map()));

/** What is wrong with a file before anything is sent; "": nothing. @param {File | null} file */
export function fileProblem(file) {
  if (!file) return "Choose a file.";
  if (!file.size) return "This file is empty.";
  if (file.size <= MAX_BYTES) return "";
  return `This file has ${size(file.size)}; ${size(MAX_BYTES)} are the most. Compress it with gzip, or split it.`;
}

/** Send a file to where its import awaits it. @param {string} id Of the import. @param {File} file */
export function beginUpload(id, file) {
  endUpload(id);
  const ends = new AbortController();
  /** @type {Upload} */
  let now = { file, sent: 0, state: "sending", words: "", stop: () => ends.abort() };
  const tell = (/** @type {Partial<Upload>} */ news) => {
    if (ends.signal.aborted) return;
    now = { ...now, ...news };
    uploads.set(new Map(uploads.get()).set(id, now));
  };
  tell({});
  carriedOut(id, file, ends.signal, tell).then(
    () => tell({ state: "sent", sentAt: apiTime(), words: "" }),
    (error) => tell({ state: "failed", words: error.message }),
  );
}

/** Forget an upload; one under way is stopped. @param {string} id */
export function endUpload(id) {
  uploads.get().get(id)?.stop();
  uploads.set(new Map([...uploads.get()].filter(([other]) => other !== id)));
}

/** @param {string} id @param {File} file @param {AbortSignal} signal @param {(news: Partial<Upload>) => void} tell */
async function carriedOut(id, file, signal, tell) {
  for (let tries = 0; tries < TRIES; tries++) {
    const { data: job } = await get(`imports/${part(id)}`, {}, signal);
    // It came, and the bucket's answer was lost; or it was cancelled elsewhere.
    if (job.state !== "awaiting_upload") return;
    if (!job.upload) throw new Error("This key may not send the file.");
    const { status, responseText } = await sent(job.upload, file, signal, (bytes) =>
      tell({ sent: bytes, words: "" }),
    );
    if (status >= 200 && status < 300) return;
    await checkUnchanged(file);
    if (status >= 400 && status < 500) {
      throw new Error(`The bucket refused the file: ${reason(responseText)} (HTTP ${status})`);
    }
    const pause = Math.min(2 ** tries, LONGEST_PAUSE_S);
    tell({ sent: 0, words: `The upload broke off. Trying again in ${pause} s.` });
    await waited(1000 * pause, signal);
  }
  throw new Error("The upload broke off again and again.");
}

/** A browser refuses to read a file that has changed since it was chosen. @param {File} file */
async function checkUnchanged(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(
      "The file cannot be read: it was changed, moved or deleted since you chose it, or is a folder.",
    );
  }
}

/**
 * One try. (`fetch` does not tell how far it is.)
 *
 * @param {{method: string, url: string, headers: Record<string, string>}} upload @param {File} file
 * @param {AbortSignal} signal @param {(bytes: number) => void} progress
 * @returns {Promise<XMLHttpRequest>} Its status is 0 where the connection broke off.
 */
function sent(upload, file, signal, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let silence = setTimeout(stop, SILENCE_MS);
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      // The browser says itself how long the file is, and lets nobody else do so.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => {
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE_MS);
      progress(event.loaded);
    };
    request.onloadend = () => {
      clearTimeout(silence);
      resolve(request);
    };
    signal.addEventListener("abort", stop);
    request.send(file);
  });
}

/** What S3 says in its XML. @param {string} xml */
const reason = (xml) => /<Message>(.*?)<\/Message>/s.exec(xml)?.[1] ?? "no reason given";

const warn = (/** @type {Event} */ event) => event.preventDefault();
uploads.subscribe(() => {
  // Only while it is needed: a page that listens to it is not kept for who comes back to it.
  const isSending = [...uploads.get().values()].some((one) => one.state === "sending");
  (isSending ? addEventListener : removeEventListener)("beforeunload", warn);
});
session.subscribe(() => {
  if (!session.get()) for (const id of uploads.get().keys()) endUpload(id);
});
