// @ts-check
/** Fields for custom values, each with the control of its kind. What is typed is a text until it is sent. */

import { Failure } from "../api.js";
import { isNumber, read } from "../json.js";
import { html, useMemo } from "../vendor/preact.js";
import { Choice, TextField } from "./forms.js";

/** @typedef {{name: string, label: string, type: string, options?: string[], description: string | null}} Property */

/** The kinds of a value that no property gives a type. */
export const FREE_KINDS = /** @type {[string, string][]} */ ([
  ["string", "Text"],
  ["number", "Number"],
  ["boolean", "Yes or no"],
  ["json", "JSON"],
]);
const DAY = /^\d{4}-\d\d-\d\d$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const YES_OR_NO = /** @type {[string, string][]} */ ([
  ["", "–"],
  ["true", "Yes"],
  ["false", "No"],
]);

/** The kind of a value that no property gives a type. @param {unknown} value */
export function kindOf(value) {
  if (typeof value === "boolean") return "boolean";
  if (isNumber(value)) return "number";
  return typeof value === "object" && value !== null ? "json" : "string";
}

/**
 * What is sent for a text; null where there is none.
 *
 * @param {string} kind @param {string} text @param {string} field
 * @throws {Failure} It is none of the kind.
 */
export function valueOf(kind, text, field) {
  if (!text.trim()) return null;
  if (kind === "number" && !NUMBER.test(text.trim())) throw wrong(field, "must be a number such as 12.5");
  if (kind === "boolean" && !["true", "false"].includes(text)) throw wrong(field, "must be yes or no");
  if (!["number", "boolean", "json", "object", "array"].includes(kind)) return text;
  try {
    return read(text);
  } catch (error) {
    throw wrong(field, `is no JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/** A failure like the API's, of what it need not be asked. @param {string} field @param {string} message */
export const wrong = (field, message) =>
  new Failure(400, { detail: `${field}: ${message}`, errors: [{ field, message }] });

/**
 * @param {{kind: string, label: string, value: string, set: (text: string) => void, property?: Property, wrong?: string,
 *   isLabelHidden?: boolean, hint?: string}} properties
 */
export function TypedField({ kind, property, hint = property?.description ?? undefined, ...field }) {
  const { value } = field;
  // What was long when the field was opened has several lines; the control does not change while somebody types.
  const lines = useMemo(() => (/\n|.{80}/.test(value) ? 6 : undefined), []);
  if (kind === "boolean" && YES_OR_NO.some(([one]) => one === value)) {
    return html`<${Choice} choices=${YES_OR_NO} hint=${hint} ...${field} />`;
  }
  if (kind === "enum") {
    const options = property?.options ?? [];
    const choices = /** @type {[string, string][]} */ ([["", "–"], ...options.map((one) => [one, one])]);
    if (value && !options.includes(value)) choices.push([value, `${value} (no option)`]);
    return html`<${Choice} choices=${choices} hint=${hint} ...${field} />`;
  }
  // A date's control would not show what is none.
  if (kind === "date" && (!value || DAY.test(value)))
    return html`<${TextField} type="date" hint=${hint} ...${field} />`;
  if (["json", "object", "array"].includes(kind)) {
    return html`<${TextField} lines=${6} class="code" spellcheck=${false} hint=${hint ?? "JSON"} ...${field} />`;
  }
  const hints = { datetime: "As 2026-01-15T10:30:00Z", date: "As 2026-01-15" };
  return html`<${TextField} hint=${hint ?? hints[/** @type {"date"} */ (kind)]} lines=${lines}
    inputmode=${kind === "number" ? "decimal" : undefined} ...${field} />`;
}
