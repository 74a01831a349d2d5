// @ts-check
/**
 * JSON whose numbers keep their digits.
 *
 * The API keeps 9007199254740993, JavaScript would make …992 of it. A number that a JavaScript number does not hold is
 * read as the browser's raw JSON, which `JSON.stringify` writes as it was.
 */

const RAW = /** @type {{rawJSON?: (text: string) => unknown, isRawJSON?: (value: unknown) => boolean}} */ (
  JSON
);
const LONG_NUMBER = /[\d.]{16}|\d[eE]/;

/** @param {string} text @returns {any} @throws {SyntaxError} */
export const read = (text) => JSON.parse(text, RAW.rawJSON && LONG_NUMBER.test(text) ? kept : undefined);

/** @type {any} */
const kept = (
  /** @type {string} */ _,
  /** @type {unknown} */ value,
  /** @type {{source?: string}} */ { source },
) => (typeof value !== "number" || !source || isHeld(value, source) ? value : RAW.rawJSON?.(source));

/** Whether a JavaScript number is what stands in a text: 15 digits always are. @param {number} value @param {string} source */
function isHeld(value, source) {
  if (String(value) === source) return true;
  const digits = source
    .replace(/[eE].*/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
  return Number.isFinite(value) && digits.length <= 15 && (value !== 0 || !digits);
}

/** @param {unknown} value */
export const isNumber = (value) => typeof value === "number" || Boolean(RAW.isRawJSON?.(value));

/** Whether a value can be sent back as it came: a browser without raw JSON has rounded a long number. @param {unknown} value */
export const isExact = (value) =>
  Boolean(RAW.rawJSON) || !/[\d.]{17}|\d{16}/.test(JSON.stringify(value) ?? "");
