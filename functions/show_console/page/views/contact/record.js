// @ts-check
/** The contact that a page shows: its fields in words, and how two states of it differ. */

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
export const TEXTS = /** @type {[string, string][]} */ ([
  ["name", "Name"],
  ["first_name", "First name"],
  ["last_name", "Last name"],
  ["email", "Email"],
  ["phone", "Phone"],
  ["external_id", "External id"],
]);
const OTHERS = /** @type {[string, string][]} */ ([
  ["tags", "Tags"],
  ["lists", "Lists"],
  ["is_active", "Active"],
  ["is_unsubscribed", "Unsubscribed"],
  ["validation_status", "Email validation"],
]);

/** What people call a contact. @param {any} contact @returns {string} */
export const nameOf = (contact) => contact.name || contact.email || contact.external_id || contact.id;

/** All that a contact has, by words for it. @param {any} contact @returns {Map<string, unknown>} */
export function factsOf(contact) {
  const facts = new Map([...TEXTS, ...OTHERS].map(([field, words]) => [words, contact[field]]));
  for (const map of ["custom_fields", "metadata"]) {
    for (const [key, value] of Object.entries(contact[map])) facts.set(`${map}.${key}`, value);
  }
  return facts;
}

/**
 * What differs between states of contacts, fact by fact.
 *
 * @param {...any} contacts
 * @returns {{words: string, values: unknown[]}[]}
 */
export function differences(...contacts) {
  const facts = contacts.map(factsOf);
  const words = [...new Set(facts.flatMap((one) => [...one.keys()]))];
  return words
    .map((one) => ({ words: one, values: facts.map((all) => all.get(one)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value ?? null))).size > 1);
}

/** Change the contact as it was seen. @param {ContactRecord} record @param {object} change */
export async function change(record, change) {
  record.set(await patch(record.path, change, { ifMatch: record.etag }));
}
