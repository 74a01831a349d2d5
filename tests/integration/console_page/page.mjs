/** What a browser has and Node.js has not, as far as these modules need it; and the API, which answers by hand. */

const happenings = new EventTarget();
globalThis.document = { hidden: false };
globalThis.location = { hash: "" };
globalThis.history = { pushState() {}, replaceState() {} };
globalThis.addEventListener = (...it) => happenings.addEventListener(...it);
globalThis.removeEventListener = (...it) => happenings.removeEventListener(...it);
globalThis.sessionStorage = { setItem() {}, removeItem() {}, getItem: () => null };
export const happens = (type) => happenings.dispatchEvent(new Event(type));

const turn = setImmediate;
/** Let go on what waits for nothing but its turn. */
export const settled = async () => {
  for (let n = 0; n < 20; n++) await new Promise((done) => turn(done));
};

/** Pauses take no time here; how long they would be is kept. */
export const pauses = [];
globalThis.setTimeout = (act, ms) => {
  pauses.push(ms);
  const one = { isOff: false };
  turn(() => one.isOff || act());
  return one;
};
globalThis.clearTimeout = (one) => {
  if (one) one.isOff = true;
};
AbortSignal.timeout = () => new AbortController().signal;

/** The requests, each with `answer` and `fail`. */
export const requests = [];
globalThis.fetch = (url, init) =>
  new Promise((resolve, reject) => {
    init.signal?.addEventListener("abort", () => reject(init.signal.reason));
    requests.push({
      url,
      ...init,
      fail: () => reject(new TypeError("Failed to fetch")),
      answer: (body, status = 200, headers = {}) =>
        resolve(new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers })),
    });
  });
/** The last request, once what was asked has gone out. */
export const asked = async () => {
  await settled();
  return requests.at(-1);
};
/** Let each try of the request that is under way fail. */
export const unanswered = async () => {
  for (let n = 0; n < 4; n++) (await asked()).fail();
  await settled();
};
