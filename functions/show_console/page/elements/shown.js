// @ts-check
/** Small things that many views show: times, numbers, states, tags. */

import { html } from "../vendor/preact.js";

const NUMBERS = new Intl.NumberFormat();
const MOMENTS = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
]);
/** How long ago a time may be to be shown as "3 days ago". */
const RECENT_MS = 7 * 86_400_000;

/** @param {number} n */
export const number = (n) => NUMBERS.format(n);

/** @param {number} n @param {string} one @param {string} [many] */
export const counted = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** @param {number} bytes */
export function size(bytes) {
  const steps = ["bytes", "KB", "MB", "GB", "TB"];
  const n = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), steps.length - 1);
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: n && 1 }).format(bytes / 1000 ** n)} ${steps[n]}`;
}

/** A time as it is written in a sentence. @param {string | number} at */
export const moment = (at) => MOMENTS.format(new Date(at));

/** A time in words; the exact one on hovering. @param {{at: string | null | undefined}} properties */
export function Time({ at }) {
  if (!at) return html`<span class="none">never</span>`;
  return html`<time datetime=${at} title=${moment(at)}>${ago(new Date(at))}</time>`;
}

/** @param {Date} time */
function ago(time) {
  const ms = time.getTime() - Date.now();
  if (Math.abs(ms) > RECENT_MS) return MOMENTS.format(time);
  for (const [unit, length] of UNITS)
    if (Math.abs(ms) >= length) return AGO.format(Math.round(ms / length), unit);
  return AGO.format(Math.round(ms / 1000), "second");
}

/** A state as a word with a colour. @param {{kind?: "good" | "bad" | "busy" | "", children?: any}} properties */
export const Badge = ({ kind = "", children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

/**
 * Tags or lists.
 *
 * @param {{names: string[], most?: number, to?: (name: string) => string, remove?: (name: string) => unknown, what?: string}} properties
 *   `most`: how many are shown, the rest as a number; `to`: where a click leads; `what`: "tag" or "list".
 */
export const Labels = ({
  names,
  most = Infinity,
  to,
  remove,
  what = "tag",
}) => html`<ul class="labels" aria-label=${`${what}s`}>
  ${names.slice(0, most).map(
    (name) => html`<li key=${name}>
      ${to ? html`<a href=${to(name)} dir="auto">${name}</a>` : html`<span dir="auto">${name}</span>`}
      ${remove && html`<button type="button" aria-label=${`Remove the ${what} ${name}`} onClick=${() => remove(name)}>×</button>`}
    </li>`,
  )}
  ${names.length > most && html`<li class="more">+${names.length - most}</li>`}
</ul>`;

/** What stands where a value is missing. */
export const None = () =>
  html`<span class="none" aria-hidden="true">–</span><span class="hidden">none</span>`;
