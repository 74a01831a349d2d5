// @ts-check
/** What each column of a file is read as, to be corrected before the import starts. */

import { Button, Field, TextField } from "../elements/forms.js";
import { counted, None } from "../elements/shown.js";
import { entry } from "../routing.js";
import { html, useState } from "../vendor/preact.js";
import { FIELDS } from "./import_words.js";

/** @typedef {Record<string, string | null>} Mapping */

/** Rows that are drawn at first: a file may have 1,000 columns, each with a list of fields. */
const DRAWN = 50;
/** Columns from which on one can look for one. */
const MANY = 15;
const VALUES = 3;
const OTHER = "other…";

/**
 * @param {object} properties
 * @param {Mapping} properties.mapping As the import has it.
 * @param {Mapping} [properties.changes]
 * @param {(changes: Mapping) => void} [properties.set] Without it they are only shown.
 * @param {any[]} [properties.properties] Of the account.
 * @param {any[]} [properties.contacts] The first ones, as they would be.
 * @param {import("../api.js").Failure | null} [properties.failure]
 */
export function Columns({ mapping, changes = {}, set, properties = [], contacts = [], failure }) {
  const [looked, setLooked] = useState("");
  const [drawn, setDrawn] = useState(DRAWN);
  const columns = Object.keys(mapping);
  const found = columns.filter((column) => column.toLowerCase().includes(looked.toLowerCase()));
  const wrong = Object.fromEntries((failure?.errors ?? []).map(({ field, message }) => [field, message]));
  // What is wrong is never out of sight.
  const shown = found.filter((column, index) => index < drawn || wrong[`mapping.${column}`]);
  const properNames = properties.map(({ name, label }) => [`custom_fields.${name}`, label]);
  return html`
    ${
      columns.length > MANY &&
      html`<${TextField} label="Find a column" type="search" value=${looked} set=${setLooked}
      hint=${`${counted(found.length, "column")} of ${columns.length}`} />`
    }
    <section class="scroller" tabindex="0" aria-label="Columns">
      <table>
        <caption class="hidden">Columns of the file</caption>
        <thead><tr><th scope="col">Column</th><th scope="col">Read as</th>${contacts.length > 0 && html`<th scope="col" class="wide">First values</th>`}</tr></thead>
        <tbody>
          ${shown.map(
            (column) => html`<tr key=${column}>
            <th scope="row" dir="auto">${column}</th>
            <td><${Target} column=${column} target=${Object.hasOwn(changes, column) ? changes[column] : mapping[column]} before=${mapping[column]} properties=${properNames}
              wrong=${wrong[`mapping.${column}`]} set=${set && ((/** @type {string | null} */ one) => set({ ...changes, [column]: one }))} /></td>
            ${contacts.length > 0 && html`<td class="wide text" dir="auto">${firstValues(contacts, mapping[column]) || html`<${None} />`}</td>`}
          </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${found.length > drawn && html`<p><${Button} act=${() => setDrawn(drawn + 4 * DRAWN)}>Show more columns<//></p>`}
  `;
}

/**
 * What one column is read as.
 *
 * @param {{column: string, target: string | null, before: string | null, properties: string[][], wrong?: string,
 *   set?: (target: string | null) => void}} given
 */
function Target({ column, target, before, properties, wrong, set }) {
  const [isOther, setOther] = useState(false);
  const known = new Map([...FIELDS, ...properties].map(([name, words]) => [name, words]));
  const words = (/** @type {string} */ name) =>
    known.get(name) ?? name.replace("custom_fields.", "Custom field: ");
  if (!set) return html`${target === null ? "Left out" : words(target)}`;
  const choose = (/** @type {string} */ value) => {
    setOther(value === OTHER);
    set(value === OTHER ? "custom_fields." : value || null);
  };
  // What it was guessed to be stays among the choices, and what was typed.
  const own = [...new Set([before ?? "", target ?? ""])].filter((one) => one && !known.has(one));
  const option = (/** @type {string} */ name) =>
    html`<option key=${name} value=${name} selected=${!isOther && name === (target ?? "")}>${name ? words(name) : "Left out"}</option>`;
  return html`
    <${Field} label=${`Read ${column} as`} isLabelHidden wrong=${isOther ? "" : wrong}>
      ${(
        /** @type {any} */ attributes,
      ) => html`<select ...${attributes} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
        ${["", ...own].map(option)}
        <optgroup label="The contact">${FIELDS.map(([name]) => option(name))}</optgroup>
        ${properties.length > 0 && html`<optgroup label="Properties">${properties.map(([name]) => option(name))}</optgroup>`}
        <option value=${OTHER} selected=${isOther}>Another custom field …</option>
      </select>`}
    <//>
    ${
      isOther &&
      html`<${TextField} label=${`Field for ${column}`} isLabelHidden value=${target ?? ""} set=${set} wrong=${wrong}
      hint="custom_fields. and a name, with :number or :boolean behind it if it is one" />`
    }
  `;
}

/** @param {any[]} contacts @param {string | null} target */
function firstValues(contacts, target) {
  const [field, ...key] = (target ?? "").replace(/:(number|boolean|json|text)$|^add_/g, "").split(".");
  return contacts
    .map((contact) => (key.length ? entry(contact[field] ?? {}, key.join(".")) : contact[field]))
    .filter((value) => value !== null && value !== undefined && value !== "" && value.length !== 0)
    .slice(0, VALUES)
    .map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value)))
    .join(", ");
}
