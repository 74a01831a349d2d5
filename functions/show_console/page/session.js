// @ts-check
/** Who uses the page: a key, kept in this tab until it is left or closed, and the account that it opens. */

import { credentials, Failure, request, unanswered } from "./api.js";
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
 * The key in what was pasted: `Bearer sk_live_…`, a line of a file of settings, a key that an email has broken in two.
 *
 * @param {string} text
 */
export const keyIn = (text) =>
  text.replace(/\s/g, "").match(/(sk_(live|test)|am_(live|test)_sk)_[0-9A-Za-z]{43}/)?.[0];

/**
 * Begin a session.
 *
 * @param {string} key
 * @throws {Failure} The key is none, is of another vendor's client, or may not even read the account.
 */
export async function signIn(key) {
  const { data } = await request("GET", "account", { key }).catch((failure) => {
    throw failure instanceof Failure ? explained(failure) : failure;
  });
  if (!data?.key) throw new Failure(200, null);
  credentials.key = key;
  sessionStorage.setItem(KEPT_AS, key);
  farewell.set("");
  session.set({ account: data, key: data.key });
}

/** Why a key opens no console. @param {Failure} failure */
function explained(failure) {
  const vendor = vendorOf(failure.problem ?? {});
  if (vendor) {
    return new Failure(failure.status, {
      detail: `This key speaks ${vendor}'s API. The console needs a key of the native dialect: each account has one, which can make others.`,
    });
  }
  if (failure.code !== "scope_missing") return failure;
  return new Failure(failure.status, {
    detail:
      "This key works, but may not read its account. The console needs a key with the scope account:read.",
  });
}

/** Whose API a refusal is written in; "": ours, or nobody's. @param {Record<string, unknown>} problem */
function vendorOf(problem) {
  if ("statusCode" in problem) return "Sendmator";
  if ("error" in problem) return "Smart Sender";
  if ("details" in problem) return "Artamail";
  return "message" in problem && "code" in problem ? "SMASHSEND" : "";
}

/** Read the account anew: what is used of its limits, and how many contacts it has. */
export async function refreshAccount() {
  const { key } = credentials;
  const { data } = await request("GET", "account");
  // Who has left meanwhile stays away.
  if (key && key === credentials.key) session.set({ account: data, key: data.key });
}

/** Begin where this tab has left off, if it has. @returns {Promise<void>} */
export async function resume() {
  const key = sessionStorage.getItem(KEPT_AS);
  if (key) await signIn(key);
}

/** Forget the key and what was sent with it, and say why. @param {string} [why] */
export function leave(why = "") {
  sessionStorage.removeItem(KEPT_AS);
  credentials.key = "";
  unanswered.clear();
  farewell.set(why);
  session.set(null);
}

credentials.refused = (failure) => leave(`You were signed out: ${failure.message}`);
