// @ts-check
/** Tables of rows that are loaded page by page, perhaps selected. */

import { html } from "../vendor/preact.js";
import { More } from "./focus.js";
import { FailureNotice, Loading } from "./notices.js";

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: T) => any} cell
 * @property {string} [kind] A class: `number`, `wide` (left out on a narrow screen), `text` (cut where it is long).
 * @property {boolean} [isHead] Whether it names the row.
 */

/**
 * @template T
 * @typedef {{has: (id: string) => boolean, set: (id: string, isSelected: boolean) => void, setAll: (isSelected: boolean) => void,
 *   label: (row: T) => string}} Selection
 */

/**
 * A list as a table, with a button for what follows.
 *
 * @template T
 * @param {object} properties
 * @param {string} properties.caption What the rows are, for screen readers.
 * @param {Column<T>[]} properties.columns
 * @param {import("../loading.js").Listed<T>} properties.list
 * @param {(row: T) => string} properties.id
 * @param {any} [properties.empty] What is shown where there is no row.
 * @param {Selection<T>} [properties.selection]
 */
export function Table({ caption, columns, list, id, empty, selection }) {
  const { rows, failure, isLoading, more, again } = list;
  const isEmpty = !rows.length;
  let content = failure ? null : empty;
  if (!isEmpty) content = html`<${Rows} ...${{ caption, columns, list, id, selection }} />`;
  // A page may be empty while there are more: the API looks at so many contacts for one.
  else if (more) content = html`<p>Nothing found so far.</p>`;
  else if (isLoading) content = html`<${Loading} what=${caption.toLowerCase()} />`;
  return html`
    ${content}
    <${FailureNotice} failure=${failure} again=${more ?? again} />
    <${More} list=${list} rows="tbody tr" words=${isEmpty ? "Go on looking" : undefined} />
    ${isLoading && (more || !isEmpty) && html`<${Loading} what="more" />`}
  `;
}

/**
 * @template T
 * @param {{caption: string, columns: Column<T>[], list: import("../loading.js").Listed<T>, id: (row: T) => string, selection?: Selection<T>}} properties
 */
function Rows({ caption, columns, list: { rows, isLoading }, id, selection }) {
  const isAll = selection && rows.every((row) => selection.has(id(row)));
  return html`
    <section class="scroller" tabindex="0" aria-label=${caption} aria-busy=${isLoading ? "true" : undefined}>
      <table>
        <caption class="hidden">${caption}</caption>
        <thead><tr>
          ${
            selection &&
            html`<th class="check" scope="col">
            <input type="checkbox" aria-label="Select all that are shown" checked=${isAll}
              onChange=${(/** @type {any} */ event) => selection.setAll(event.target.checked)} />
          </th>`
          }
          ${columns.map((column) => html`<th key=${column.title} scope="col" class=${column.kind}>${column.title}</th>`)}
        </tr></thead>
        <tbody>
          ${rows.map(
            (row) => html`<tr key=${id(row)} class=${selection?.has(id(row)) ? "selected" : undefined}>
              ${
                selection &&
                html`<td class="check">
                <input type="checkbox" aria-label=${`Select ${selection.label(row)}`} checked=${selection.has(id(row))}
                  onChange=${(/** @type {any} */ event) => selection.set(id(row), event.target.checked)} />
              </td>`
              }
              ${columns.map((column) =>
                column.isHead
                  ? html`<th key=${column.title} scope="row" class=${column.kind}>${column.cell(row)}</th>`
                  : html`<td key=${column.title} class=${column.kind}>${column.cell(row)}</td>`,
              )}
            </tr>`,
          )}
        </tbody>
      </table>
    </section>
  `;
}
