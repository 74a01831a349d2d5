// @ts-check
/**
 * The client of the API: every request of the console goes through `request`.
 *
 * A request that may be repeated is repeated when the API is busy (429, 503) or does not answer: a GET, and a change,
 * because each change carries an Idempotency-Key of its own, the same when a person tries again. While it waits,
 * `connection` says so.
 */

import { read } from "./json.js";
import { store } from "./store.js";

/** @typedef {{field: string, message: string, existing_id?: string}} FieldProblem */
/** @typedef {Record<string, string | number | boolean | string[] | null | undefined>} Query */
/**
 * @typedef {object} Options
 * @property {Query} [query] Parameters; null, undefined and "" are left out, a list is repeated.
 * @property {unknown} [body] Sent as JSON.
 * @property {string} [ifMatch] The ETag that the change goes by.
 * @property {AbortSignal} [signal] Ends it, and its repetitions.
 * @property {string} [key] Another key than the session's.
 */
/** @typedef {{data: any, etag: string | null, status: number}} Answer */

const PATIENCE_MS = 20_000;
const PAUSES_MS = [1_000, 3_000, 8_000];
const LONGEST_PAUSE_MS = 30_000;

/** Whether requests wait for a slow or busy API: what the bar at the top of the page says; null: all is well. */
export const connection = store(/** @type {string | null} */ (null));

/** The key of the session, and what is to be done when the API does not accept it any more. */
export const credentials = { key: "", refused: (/** @type {Failure} */ _) => {} };

/** When the API has last answered, and how far this computer's clock was ahead of the API's then. */
export const answered = { at: 0, ahead: 0 };

/** The time by the API's clock. */
export const apiTime = () => Date.now() - answered.ahead;

/** What a refusal says. A gateway's own words for a function that died tell nobody anything. @param {number} status @param {any} problem */
const wordsOf = (status, problem) =>
  problem?.detail ??
  (status >= 500
    ? `The API has failed (HTTP ${status}). Try again: nothing is done twice.`
    : problem?.message) ??
  `The answer is not one of the API's (HTTP ${status}).`;

/** A request that was refused, or not answered. */
export class Failure extends Error {
  /**
   * @param {number} status Of the answer; 0: there was none.
   * @param {any} problem The problem document, as far as there is one.
   * @param {number} [retryAfterMs] What the answer asks to wait.
   */
  constructor(status, problem, retryAfterMs = 0) {
    super(wordsOf(status, problem));
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    /** @type {string} */
    this.code = problem?.code ?? "";
    /** @type {string | undefined} */
    this.scope = problem?.scope;
    /** @type {string | undefined} */
    this.existingId = problem?.existing_id;
    /** @type {string | undefined} */
    this.requestId = problem?.request_id;
    /** The answer itself: another vendor's key is refused in that vendor's words. */
    this.problem = problem;
    /** @type {FieldProblem[]} */
    this.errors =
      problem?.errors ?? (problem?.field ? [{ field: problem.field, message: this.message }] : []);
  }

  /** What is wrong with a field, or with something in it; "" where nothing is. @param {string} field */
  of(field) {
    return this.errors
      .filter((error) => error.field === field || error.field.startsWith(`${field}.`))
      .map((error) => error.message)
      .join("; ");
  }
}

/** @param {string} path Under /v1. @param {Query} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => request("GET", path, { query, signal });
/** @param {string} path @param {unknown} [body] @param {Options} [options] */
export const post = (path, body, options) => request("POST", path, { ...options, body });
/** @param {string} path @param {unknown} body @param {Options} [options] */
export const patch = (path, body, options) => request("PATCH", path, { ...options, body });
/** @param {string} path @param {unknown} body @param {Options} [options] */
export const put = (path, body, options) => request("PUT", path, { ...options, body });
/** @param {string} path @param {Options} [options] */
export const remove = (path, options) => request("DELETE", path, options);

/** A name as a part of a path: `contacts/${part(id)}`. @param {string} name */
export const part = (name) => encodeURIComponent(name);

/**
 * Send a request, and again where that helps.
 *
 * @param {string} method @param {string} path Under /v1. @param {Options} [options]
 * @returns {Promise<Answer>}
 * @throws {Failure}
 */
export async function request(method, path, options = {}) {
  const url = `v1/${path}${written(options.query ?? {})}`;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const headers = headersOf(options);
  const change = method === "GET" ? "" : JSON.stringify([method, url, body, headers]);
  if (change) headers["Idempotency-Key"] = unanswered.get(change)?.key ?? newKey();
  try {
    const answer = await repeated(url, { method, headers, body }, options.signal);
    unanswered.delete(change);
    if (change && method !== "POST") forget(path, method === "DELETE");
    if (path === "contacts/batch") forget("contacts", true);
    return answer;
  } catch (failure) {
    const status = failure instanceof Failure ? failure.status : 0;
    // After these nobody knows whether it was carried out. A function may die after it has written.
    const isUnknown = !status || status >= 500;
    if (change && isUnknown) unanswered.set(change, { path, key: headers["Idempotency-Key"] });
    else unanswered.delete(change);
    // The key of an earlier session ends no later one, and none ends nothing.
    const { key } = credentials;
    if (status === 401 && options.key === undefined && key && headers["X-API-Key"] === key) {
      credentials.refused(/** @type {Failure} */ (failure));
    }
    throw failure;
  }
}

/** Answers, or none, after which a request is sent again by itself. */
const REPEATED = [0, 429, 502, 503, 504];
/** By change of which nobody knows: its Idempotency-Key. Who tries again sends the same, and it is carried out once. */
export const unanswered = /** @type {Map<string, {path: string, key: string}>} */ (new Map());

/**
 * Forget what was not answered of a thing that has been changed since: the same once more is another change then.
 *
 * @param {string} path @param {boolean} isAll And of all below it.
 */
function forget(path, isAll) {
  for (const [change, { path: one }] of unanswered) {
    if (one === path || (isAll && one.startsWith(`${path}/`))) unanswered.delete(change);
  }
}

/** @param {string} url @param {RequestInit} init @param {AbortSignal} [signal] @returns {Promise<Answer>} */
async function repeated(url, init, signal) {
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await sent(url, init, signal);
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure;
        const mayRepeat = REPEATED.includes(failure.status) && attempt < PAUSES_MS.length;
        if (!mayRepeat || failure.retryAfterMs > LONGEST_PAUSE_MS) throw failure;
        const pause = failure.retryAfterMs || PAUSES_MS[attempt];
        const words = WAITS[failure.status] ?? WAITS[503];
        waiting.set(init, `${words} Trying again in ${Math.ceil(pause / 1000)} s.`);
        sayWhoWaits();
        await waited(pause, signal);
      }
    }
  } finally {
    if (waiting.delete(init)) sayWhoWaits();
  }
}

/** By request that waits, what is said of it. */
const waiting = /** @type {Map<RequestInit, string>} */ (new Map());
/** The bar speaks of the request that began to wait last. */
const sayWhoWaits = () => connection.set([...waiting.values()].at(-1) ?? null);

/** @param {Options} options */
function headersOf(options) {
  const headers = /** @type {Record<string, string>} */ ({ "X-API-Key": options.key ?? credentials.key });
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  return headers;
}

/** A new Idempotency-Key. (`randomUUID` is there only where the page came by HTTPS or from this computer.) */
const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");

/** @type {Record<number, string>} */
const WAITS = {
  0: "The API does not answer.",
  429: "The account's requests are used up, or come too fast.",
  503: "The API is busy.",
};

/** @param {string} url @param {RequestInit} init @param {AbortSignal} [signal] @returns {Promise<Answer>} */
async function sent(url, init, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let response;
  let text;
  try {
    response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, patience]) : patience });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, { detail: "The API did not answer. It may be down, or this computer is offline." });
  }
  answered.at = Date.now();
  answered.ahead = answered.at - Date.parse(response.headers.get("Date") ?? "") || 0;
  const data = parsed(text);
  if (!response.ok) {
    throw new Failure(response.status, data, 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0);
  }
  if (text && data === undefined) throw new Failure(response.status, null);
  return { data, etag: response.headers.get("ETag"), status: response.status };
}

/** @param {string} text */
function parsed(text) {
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

/** @param {Query} query */
function written(query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") parameters.append(name, String(one));
    }
  }
  return parameters.size ? `?${parameters}` : "";
}

/** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export function waited(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
