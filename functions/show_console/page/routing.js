// @ts-check
/** Which view is shown: what stands after `#` in the address, `#/contacts?tag=vip`. */

import { store } from "./store.js";

/** @typedef {{view: string, id: string | null, query: URLSearchParams}} Route */

export const HOME = "contacts";

/** @param {string} hash @returns {Route} */
export function routeOf(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, id, below] = path.split("/");
  const isNew = id === "new" && !below;
  return {
    view: isNew ? `new_${view.replace(/s$/, "")}` : view || HOME,
    id: id && !isNew ? decoded(id) : null,
    query: new URLSearchParams(query ?? ""),
  };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = store(routeOf(location.hash));
/** The address that is not left, while its view waits for what it shows once; null: any may be. */
let keptAddress = /** @type {string | null} */ (null);

// It comes for links, too, not only for back and forward.
addEventListener("popstate", () => {
  if (keptAddress === null) route.set(routeOf(location.hash));
  else if (location.hash !== keptAddress) history.pushState(null, "", keptAddress);
});

/**
 * Keep the view until an answer is there that it shows, and that is given once: a new key, a new secret.
 *
 * @template T @param {Promise<T>} answer @returns {Promise<T>}
 */
export async function stayFor(answer) {
  const ask = (/** @type {Event} */ event) => event.preventDefault();
  keptAddress = location.hash;
  addEventListener("beforeunload", ask);
  try {
    return await answer;
  } finally {
    keptAddress = null;
    removeEventListener("beforeunload", ask);
  }
}

/**
 * What a table has under a name that came from outside. (An object has more under `constructor` than what was put there.)
 *
 * @template T @param {Record<string, T>} table @param {string} name @returns {T | undefined}
 */
export const entry = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

/**
 * The address of a view.
 *
 * @param {string} path As `contacts` or `contact/<id>`.
 * @param {Record<string, string | string[] | null | undefined> | URLSearchParams} [query] What is empty is left out.
 */
export function href(path, query = {}) {
  const parameters = new URLSearchParams();
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  for (const [name, value] of entries) {
    for (const one of Array.isArray(value) ? value : [value]) if (one) parameters.append(name, one);
  }
  return `#/${path}${parameters.size ? `?${parameters}` : ""}`;
}

/**
 * Show a view.
 *
 * @param {string} address Made by `href`.
 * @param {{replace?: boolean}} [options] `replace`: "back" skips the view that is left.
 */
export function go(address, { replace = false } = {}) {
  if (address === location.hash) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route.set(routeOf(address));
}
