// @ts-check
/** The panel of filters, and the chips that say which of them are set. */

import { Button, Choice, TextField } from "../../elements/forms.js";
import { LabelField } from "../../elements/labels_editor.js";
import { go, HOME, href } from "../../routing.js";
import { html, useEffect, useState } from "../../vendor/preact.js";
import { adding, CHOICES, chips, FILTERS, having, without } from "./query.js";

/** @param {URLSearchParams} query */
export const show = (query) => go(href(HOME, query));

/** @param {{query: URLSearchParams}} properties */
export const Filters = ({ query }) => html`<details class="finder">
  <summary>Filters</summary>
  <div class="fields">
    <${LabelField} what="tag" label="Has the tag" add=${(/** @type {string} */ name) => show(adding(query, "tag", name))} />
    <${LabelField} what="list" label="Is on the list" add=${(/** @type {string} */ name) => show(adding(query, "list", name))} />
    ${Object.entries(CHOICES).map(
      ([
        name,
        words,
      ]) => html`<${Choice} key=${name} label=${FILTERS[name]} value=${query.get(name) ?? ""} choices=${[["", "Any"], ...Object.entries(words)]}
        set=${(/** @type {string} */ value) => show(having(query, name, value))} />`,
    )}
    ${["created_after", "created_before", "updated_after", "updated_before"].map(
      (name) => html`<${Typed} key=${name} name=${name} query=${query} type="date" />`,
    )}
    ${["email", "phone", "external_id"].map((name) => html`<${Typed} key=${name} name=${name} query=${query} autocomplete="off" />`)}
  </div>
  <p class="hint">All of them hold at once. Days begin at midnight UTC. Email, phone and external id are looked for letter by letter.</p>
</details>`;

/**
 * A filter that is typed: it counts when the field is left, or with Enter.
 *
 * @param {{name: string, query: URLSearchParams, [attribute: string]: any}} properties
 */
function Typed({ name, query, ...more }) {
  const value = query.get(name) ?? "";
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const send = () => text.trim() !== value && show(having(query, name, text.trim()));
  // A date's control says with each part of the date what it is by now; so do others only when they are left.
  return html`<${TextField} label=${FILTERS[name]} value=${text} set=${setText} onBlur=${send}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Enter" && send()} ...${more} />`;
}

/** @param {{query: URLSearchParams}} properties */
export function Chips({ query }) {
  const set = chips(query);
  if (!set.length) return null;
  const cleared = having(
    new URLSearchParams({ search: query.get("search") ?? "" }),
    "sort",
    query.get("sort") ?? "",
  );
  return html`<div class="chips">
    <ul class="labels" aria-label="Filters that are set">
      ${set.map(
        ({ name, value, words }) => html`<li key=${words}>
          <span dir="auto">${words}</span>
          <button type="button" aria-label=${`Remove the filter ${words}`} onClick=${() => show(without(query, name, value))}>×</button>
        </li>`,
      )}
    </ul>
    <${Button} kind="quiet" act=${() => show(cleared)}>Clear<//>
  </div>`;
}
