// @ts-check
/** Who uses the page: a key, kept in this tab until it is left or closed, and the account that it opens. */

import { credentials, Failure, request } from "./api.js";
import { store } from "./store.js";

/** @typedef {{id: string, name: string, mode: "live" | "test", scopes: string[]}} Key */
/**
 * @typedef {object} Session
 * @property {any} account As `GET /account` describes it.
 * @property {Key} key
 */

const KEPT_AS = "contacts.key";

/** The session; null: nobody has signed in. */
export const session = store(/** @type {Session | null} */ (null));

/** Why the last session ended, for the page where one signs in. */
export const farewell = store("");

/** Whether the key may do something. @param {...string} scopes All of them. */
export const may = (...scopes) => scopes.every((scope) => session.get()?.key.scopes.includes(scope));

/** Whether nothing that is sent is kept. */
export const isTest = () => session.get()?.key.mode === "test";

/**
 * Begin a session.
 *
 * @param {string} key
 * @throws {Failure} The key is none, is of another vendor's client, or may not even read the account.
 */
export async function signIn(key) {
  const { data } = await request("GET", "account", { key });
  if (!data?.key) throw new Failure(0, { detail: OTHER_DIALECT });
  credentials.key = key;
  sessionStorage.setItem(KEPT_AS, key);
  farewell.set("");
  session.set({ account: data, key: data.key });
}

export const OTHER_DIALECT =
  "This key speaks another vendor's API. The console needs a key of the native dialect: make one with POST /v1/api-keys.";

/** Read the account anew: what is used of its limits, and how many contacts it has. */
export async function refreshAccount() {
  const now = session.get();
  if (!now) return;
  const { data } = await request("GET", "account");
  session.set({ account: data, key: data.key });
}

/** Begin where this tab has left off, if it has. @returns {Promise<void>} */
export async function resume() {
  const key = sessionStorage.getItem(KEPT_AS);
  if (key) await signIn(key);
}

/** Forget the key, and say why. @param {string} [why] */
export function leave(why = "") {
  sessionStorage.removeItem(KEPT_AS);
  credentials.key = "";
  farewell.set(why);
  session.set(null);
}

credentials.refused = (failure) =>
  leave(`${failure.message} The key may have been revoked while the page was open.`);
