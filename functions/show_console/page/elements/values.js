// @ts-check
/** Values of any JSON: shown so that a person can read them, and typed into the control of their kind. */

import { Failure } from "../api.js";
import { isNumber, read } from "../json.js";
import { html, useMemo, useState } from "../vendor/preact.js";
import { Button, Choice, TextField } from "./forms.js";
import { None, size } from "./shown.js";

/** @typedef {{name: string, label: string, type: string, options?: string[], description: string | null}} Property */
/** @typedef {[value: string, words: string]} Pair */

const MOST_SHOWN = 600;
/** JSON that is no longer stands in one line. */
const MOST_IN_A_LINE = 60;

/** @param {unknown} value @returns {string} */
export const textOf = (value) =>
  typeof value === "string" ? value : JSON.stringify(value ?? "", null, 2).replace(/^""$/, "");

/** @param {{value: unknown, label: string, isCut?: boolean}} properties `isCut`: nothing shows the rest of a long one. */
export function Value({ value, label, isCut }) {
  const [isWhole, setWhole] = useState(false);
  const text = textOf(value);
  if (!text || text === "[]") return html`<${None} />`;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (isWhole) {
    return html`<textarea readOnly rows="12" dir="auto" aria-label=${label} value=${text} />
      <${Button} kind="quiet" act=${() => setWhole(false)}>Show less<//>`;
  }
  const isLong = text.length > MOST_SHOWN;
  const start = isLong ? `${text.slice(0, MOST_SHOWN)}…` : text;
  let shown = html`<span class="words" dir="auto">${start}</span>`;
  if (kindOf(value) === "json") {
    const line = isLong ? "" : JSON.stringify(value);
    shown = line && line.length <= MOST_IN_A_LINE ? html`<code>${line}</code>` : html`<pre>${start}</pre>`;
  }
  return html`${shown}
    ${isLong && html`<span class="small"> ${size(new Blob([text]).size)}</span>`}
    ${isLong && !isCut && html`${" "}<${Button} kind="quiet" act=${() => setWhole(true)}>Show all<//>`}`;
}

/** The kinds of a value that no property gives a type. @type {Pair[]} */
export const FREE_KINDS = [
  ["string", "Text"],
  ["number", "Number"],
  ["boolean", "Yes or no"],
  ["json", "JSON"],
];
const JSON_KINDS = ["json", "object", "array"];
const DAY = /^\d{4}-\d\d-\d\d$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const NOTHING = /** @type {Pair} */ (["", "–"]);
const YES_OR_NO = /** @type {Pair[]} */ ([
  ["true", "Yes"],
  ["false", "No"],
]);
const HINTS = /** @type {Record<string, string>} */ ({
  datetime: "As 2026-01-15T10:30:00Z",
  date: "As 2026-01-15",
  json: "JSON",
  object: "A JSON object",
  array: "A JSON array",
});

/** The kind of a value that no property gives a type. @param {unknown} value */
export function kindOf(value) {
  if (typeof value === "boolean") return "boolean";
  if (isNumber(value)) return "number";
  return typeof value === "object" && value !== null ? "json" : "string";
}

/** A failure like the API's, of what it need not be asked. @param {string} field @param {string} message */
export const wrong = (field, message) =>
  new Failure(400, { detail: `${field}: ${message}`, errors: [{ field, message }] });

/**
 * What is sent for a text; null where there is none.
 *
 * @param {string} kind @param {string} text @param {string} field
 * @throws {Failure} It is none of the kind.
 */
export function typedValue(kind, text, field) {
  if (!text.trim()) return null;
  if (kind === "number" && !NUMBER.test(text.trim())) throw wrong(field, "must be a number such as 12.5");
  if (kind === "boolean" && !/^(true|false)$/.test(text)) throw wrong(field, "must be yes or no");
  if (kind !== "number" && kind !== "boolean" && !JSON_KINDS.includes(kind)) return text;
  try {
    return read(text);
  } catch (error) {
    throw wrong(field, `is no JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * The control of a kind.
 *
 * @param {{kind: string, label: string, value: string, set: (text: string) => void, property?: Property, wrong?: string,
 *   isLabelHidden?: boolean, hint?: string}} properties
 */
export function TypedField({ kind, property, hint = property?.description ?? HINTS[kind], ...field }) {
  const { value } = field;
  // What is long when the field is opened has several lines; the control does not change while somebody types.
  const isLong = useMemo(() => /\n|.{80}/.test(value), []);
  if (kind === "boolean" || kind === "enum") {
    const options = property?.options?.map((one) => /** @type {Pair} */ ([one, one])) ?? [];
    const choices = [NOTHING, ...(kind === "boolean" ? YES_OR_NO : options)];
    // What is there from before the property was.
    if (!choices.some(([one]) => one === value)) choices.push([value, `${value} (no option)`]);
    return html`<${Choice} choices=${choices} hint=${hint} ...${field} />`;
  }
  // A date's control would not show what is none.
  const type = kind === "date" && (!value || DAY.test(value)) ? "date" : "text";
  const isJson = JSON_KINDS.includes(kind);
  return html`<${TextField} type=${type} hint=${type === "date" ? (property?.description ?? undefined) : hint} lines=${isJson || isLong ? 6 : undefined}
    class=${isJson ? "code" : undefined} inputmode=${kind === "number" ? "decimal" : undefined} autocomplete="off" ...${field} />`;
}
