// @ts-check
/** The contact that a page shows: what it has, how two states of it differ, and how it is changed. */

import { patch } from "../../api.js";

/**
 * @typedef {object} ContactRecord
 * @property {any} contact As the API describes it.
 * @property {string} etag The version that changes go by.
 * @property {string} path Of the contact, under /v1.
 * @property {(answer: import("../../api.js").Answer) => void} set Takes the contact as it is now.
 * @property {() => void} again Loads it.
 */

/** The fields that are texts, in the order in which they are shown. */
export const TEXTS = /** @type {Record<string, string>} */ ({
  name: "Name",
  first_name: "First name",
  last_name: "Last name",
  email: "Email",
  phone: "Phone",
  external_id: "External id",
});
/** All fields but those that are maps, in words. */
export const FACTS = /** @type {Record<string, string>} */ ({
  ...TEXTS,
  tags: "Tags",
  lists: "Lists",
  is_active: "Active",
  is_unsubscribed: "Unsubscribed",
  unsubscribed_at: "Unsubscribed since",
  validation_status: "Email validation",
});

/** What people call a contact. @param {any} contact @returns {string} */
export const nameOf = (contact) => contact.name || contact.email || contact.external_id || contact.id;

/** The beginning of a text that may be long. @param {string} text */
export const cut = (text) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** Tags and lists in one line. @param {unknown} value */
const listed = (value) => (Array.isArray(value) ? value.join(", ") : value);

/** All that a contact has, by words for it. @param {any} contact @returns {Map<string, unknown>} */
const factsOf = (contact) =>
  new Map([
    ...Object.entries(FACTS).map(
      ([field, words]) => /** @type {[string, unknown]} */ ([words, listed(contact[field])]),
    ),
    ...["custom_fields", "metadata"].flatMap((map) =>
      Object.entries(contact[map]).map(
        ([key, value]) => /** @type {[string, unknown]} */ ([`${map}.${key}`, value]),
      ),
    ),
  ]);

/**
 * What differs between states of contacts, fact by fact.
 *
 * @param {...any} contacts
 * @returns {{words: string, values: unknown[]}[]}
 */
export function differences(...contacts) {
  const facts = contacts.map(factsOf);
  return [...new Set(facts.flatMap((one) => [...one.keys()]))]
    .map((words) => ({ words, values: facts.map((all) => all.get(words)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value ?? null))).size > 1);
}

/** Change a contact as it was seen. @param {ContactRecord} record @param {object} to */
export const change = (record, to) =>
  ifUnchanged(record, async () => record.set(await patch(record.path, to, { ifMatch: record.etag })));

/**
 * Do what was decided on a contact as it was seen. If it has changed since, it is loaded, so that the next try is decided on that.
 *
 * @param {{again?: () => void}} record @param {() => Promise<unknown>} act
 */
export async function ifUnchanged(record, act) {
  try {
    await act();
  } catch (failure) {
    if (/** @type {{status?: number}} */ (failure).status === 412) record.again?.();
    throw failure;
  }
}
