// @ts-check
/** What the address of the list says: `#/contacts?tag=vip&sort=email`. Its parameters are those of `GET /contacts`. */

/** @typedef {Record<string, string[]>} Asked */

/** @type {Record<string, Record<string, string>>} */
export const CHOICES = {
  is_unsubscribed: { false: "Subscribed", true: "Unsubscribed" },
  is_active: { true: "Active", false: "Not active" },
  validation_status: { valid: "Valid", invalid: "Invalid", pending: "Not validated yet" },
};
/** The filters in words, in the order of the panel. @type {Record<string, string>} */
export const FILTERS = {
  tag: "Tag",
  list: "List",
  is_unsubscribed: "Subscription",
  is_active: "Active",
  validation_status: "Email validation",
  created_after: "Created from",
  created_before: "Created before",
  updated_after: "Changed from",
  updated_before: "Changed before",
  email: "Email",
  phone: "Phone",
  external_id: "External id",
};
const SORTS = /** @type {[string, string][]} */ ([
  ["-created_at", "Newest first"],
  ["created_at", "Oldest first"],
  ["-updated_at", "Last changed first"],
  ["updated_at", "Longest unchanged first"],
  ["email", "Email, A to Z"],
  ["-email", "Email, Z to A"],
  ["external_id", "External id, A to Z"],
  ["-external_id", "External id, Z to A"],
]);

/** The orders there are: a search ranks what it finds, and that is its order where none is chosen. @param {boolean} isSearch */
export const sorts = (isSearch) =>
  /** @type {[string, string][]} */ (
    isSearch ? [["", "Best match first"], ...SORTS] : [["", SORTS[0][1]], ...SORTS.slice(1)]
  );

/** The parameters by name. What nobody knows is kept: the API refuses it by its name. @param {URLSearchParams} query @returns {Asked} */
export const asked = (query) =>
  Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name).filter(Boolean)]));

/** What is asked of the API. @param {URLSearchParams} query @returns {{path: string, query: Asked}} */
export function request(query) {
  const { sort, search, ...filters } = asked(query);
  if (search?.length && !sort?.length) return { path: "contacts/search", query: { ...filters, q: search } };
  return { path: "contacts", query: { ...filters, search: search ?? [], sort: sort ?? [] } };
}

/** The filter of an export that writes what is listed. @param {URLSearchParams} query */
export function exportFilter(query) {
  const { sort: _, ...filter } = asked(query);
  return Object.fromEntries(
    Object.entries(filter).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
}

/** The filters that are set, each as what it says. @param {URLSearchParams} query @returns {{name: string, value: string, words: string}[]} */
export const chips = (query) =>
  [...query]
    .filter(([name, value]) => value && !["search", "sort"].includes(name))
    .map(([name, value]) => ({
      name,
      value,
      words: `${FILTERS[name] ?? name}: ${CHOICES[name]?.[value] ?? value}`,
    }));

/** The address with a parameter set, or without it. @param {URLSearchParams} query @param {string} name @param {string} value */
export function having(query, name, value) {
  const next = new URLSearchParams(query);
  if (value) next.set(name, value);
  else next.delete(name);
  return next;
}

/** With one more tag, list, … @param {URLSearchParams} query @param {string} name @param {string} value */
export function adding(query, name, value) {
  const next = new URLSearchParams(query);
  if (!next.has(name, value)) next.append(name, value);
  return next;
}

/** Without one of them. @param {URLSearchParams} query @param {string} name @param {string} value */
export function without(query, name, value) {
  const next = new URLSearchParams(query);
  next.delete(name, value);
  return next;
}
