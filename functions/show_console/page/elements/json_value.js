// @ts-check
/** A value of any JSON, shown so that a person can read it; of a long one its beginning. */

import { isNumber } from "../json.js";
import { html, useState } from "../vendor/preact.js";
import { Button } from "./forms.js";
import { None, size } from "./shown.js";

const MOST_SHOWN = 600;

/** @param {unknown} value @returns {string} */
export const textOf = (value) =>
  value === null || value === undefined
    ? ""
    : typeof value === "string"
      ? value
      : JSON.stringify(value, null, 2);

/** @param {{value: unknown, label: string, isCut?: boolean}} properties `isCut`: a long one has no button that shows all. */
export function JsonValue({ value, label, isCut }) {
  const [isWhole, setWhole] = useState(false);
  if (value === null || value === undefined || value === "") return html`<${None} />`;
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = textOf(value);
  if (isWhole) {
    return html`<textarea readOnly rows="12" dir="auto" aria-label=${label} value=${text} /><${Button} kind="quiet"
      act=${() => setWhole(false)}>Show less<//>`;
  }
  const isLong = text.length > MOST_SHOWN;
  const start = isLong ? `${text.slice(0, MOST_SHOWN)}…` : text;
  return html`${typeof value === "string" || isNumber(value) ? html`<span class="words" dir="auto">${start}</span>` : html`<pre>${start}</pre>`}
    ${isLong && html`<span class="small"> ${size(new Blob([text]).size)}</span>`}
    ${isLong && !isCut && html`${" "}<${Button} kind="quiet" act=${() => setWhole(true)}>Show all<//>`}`;
}
