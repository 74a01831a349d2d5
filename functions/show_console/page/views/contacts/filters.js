// @ts-check
/** What the address of the list says, `#/contacts?tag=vip&sort=email`, and the controls that set it. */

import { useFocusAfter } from "../../elements/focus.js";
import { Button, Choice, isPressed, isWhole, TextField } from "../../elements/forms.js";
import { LabelField } from "../../elements/labels_editor.js";
import { entry, go, HOME, href } from "../../routing.js";
import { html, useEffect, useState } from "../../vendor/preact.js";

/** @typedef {[value: string, words: string]} Pair */

/** @type {Record<string, Record<string, string>>} */
const CHOICES = {
  is_unsubscribed: { false: "Subscribed", true: "Unsubscribed" },
  is_active: { true: "Yes", false: "No" },
  validation_status: { valid: "Valid", invalid: "Invalid", pending: "Not validated yet" },
};
const DATES = ["created_after", "created_before", "updated_after", "updated_before"];
const TEXTS = ["email", "phone", "external_id"];
/** The filters in words. @type {Record<string, string>} */
const WORDS = {
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
const SORTS = /** @type {Pair[]} */ ([
  ["-created_at", "Newest first"],
  ["created_at", "Oldest first"],
  ["-updated_at", "Last changed first"],
  ["updated_at", "Longest unchanged first"],
  ["email", "Email, A to Z"],
  ["-email", "Email, Z to A"],
  ["external_id", "External id, A to Z"],
  ["-external_id", "External id, Z to A"],
]);

/** @param {URLSearchParams} query */
export const show = (query) => go(href(HOME, query));

/** The parameters by name. What nobody knows is kept: the API refuses it by its name. @param {URLSearchParams} query */
const asked = (query) =>
  Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name).filter(Boolean)]));

/**
 * What is asked of the API. A search ranks what it finds, and takes no order; where one is chosen, the list takes its words.
 *
 * @param {URLSearchParams} query @returns {{path: string, query: Record<string, string[]>}}
 */
export function request(query) {
  const { search = [], ...others } = asked(query);
  if (search.length && !others.sort?.length)
    return { path: "contacts/search", query: { ...others, q: search } };
  return { path: "contacts", query: { ...others, search } };
}

/** The filter of an export that writes what is listed. @param {URLSearchParams} query */
export const exportFilter = (query) =>
  Object.fromEntries(
    Object.entries(asked(query)).filter(([name, values]) => name !== "sort" && values.length),
  );

/** The address with a parameter set, or without it. @param {URLSearchParams} query @param {string} name @param {string} value */
export function having(query, name, value) {
  const next = new URLSearchParams(query);
  if (value) next.set(name, value);
  else next.delete(name);
  return next;
}

/** The order, as a part of the address. @param {{query: URLSearchParams}} properties */
export function Order({ query }) {
  const isSearch = query.has("search");
  const sort = query.get("sort") ?? "";
  const usual = isSearch ? "" : SORTS[0][0];
  const choices = isSearch ? [/** @type {Pair} */ (["", "Best match first"]), ...SORTS] : [...SORTS];
  // The API refuses an order that is none; it is shown, so that another one can be chosen.
  if (sort && !SORTS.some(([one]) => one === sort)) choices.push([sort, sort]);
  return html`<${Choice} label="Order" value=${sort || usual} choices=${choices}
    set=${(value) => show(having(query, "sort", value === usual ? "" : value))} />`;
}

/** @param {{query: URLSearchParams}} properties */
export function Filters({ query }) {
  const add = (/** @type {string} */ name, /** @type {string} */ value) => {
    const next = new URLSearchParams(query);
    if (!next.has(name, value)) next.append(name, value);
    show(next);
  };
  return html`<details class="finder">
    <summary>Filters</summary>
    <div class="fields">
      <${LabelField} what="tag" label="Has the tag" add=${(name) => add("tag", name)} />
      <${LabelField} what="list" label="Is on the list" add=${(name) => add("list", name)} />
      ${Object.entries(CHOICES).map(
        ([name, words]) => html`<${Choice} key=${name} label=${WORDS[name]} value=${query.get(name) ?? ""}
          choices=${[["", "Any"], ...Object.entries(words)]} set=${(value) => show(having(query, name, value))} />`,
      )}
      ${[...DATES, ...TEXTS].map((name) => html`<${Typed} key=${name} name=${name} query=${query} />`)}
    </div>
    <p class="hint">All of them hold at once. Days begin at midnight UTC. Email, phone and external id are looked for as a whole.</p>
  </details>`;
}

/** A filter that is typed: it counts when the field is left, or with Enter. @param {{name: string, query: URLSearchParams}} properties */
function Typed({ name, query }) {
  const value = query.get(name) ?? "";
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const send = (/** @type {any} */ { target }) =>
    isWhole(target) && text.trim() !== value && show(having(query, name, text.trim()));
  // A link may ask for a moment, which the control of a day would not show.
  const type = DATES.includes(name) && !value.includes("T") ? "date" : "text";
  return html`<${TextField} type=${type} label=${WORDS[name]} value=${text} set=${setText} autocomplete="off" onBlur=${send}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => isPressed(event, "Enter") && send(event)} />`;
}

/** The filters that are set. @param {{query: URLSearchParams}} properties */
export function Chips({ query }) {
  const kept = ["search", "sort"];
  const set = [...query].filter(([name, value]) => value && !kept.includes(name));
  useFocusAfter(set.length, () => document.querySelector("[data-first]"));
  if (!set.length) return null;
  const without = (/** @type {string} */ name, /** @type {string} */ value) => {
    const next = new URLSearchParams(query);
    next.delete(name, value);
    show(next);
  };
  return html`<div class="chips">
    <ul class="labels" aria-label="Filters that are set">
      ${set.map(([name, value]) => {
        const words = `${entry(WORDS, name) ?? name}: ${entry(entry(CHOICES, name) ?? {}, value) ?? value}`;
        return html`<li key=${words}>
          <span dir="auto">${words}</span>
          <button type="button" aria-label=${`Remove the filter ${words}`} onClick=${() => without(name, value)}>×</button>
        </li>`;
      })}
    </ul>
    <${Button} kind="quiet" act=${() => show(new URLSearchParams([...query].filter(([name]) => kept.includes(name))))}>Clear<//>
  </div>`;
}
