// @ts-check
/** What the page says: what is loaded, what went wrong, what has been done, what is not there yet. */

import { connection, part } from "../api.js";
import { href } from "../routing.js";
import { isTest } from "../session.js";
import { store, useStore } from "../store.js";
import { html, useEffect, useRef } from "../vendor/preact.js";

const announced = store("");
/** Problems whose `existing_id` is a contact's. */
const CONTACTS_IN_THE_WAY = ["duplicate_contact", "names_taken", "same_contact", "merged_away"];
/** How long a message stays. */
const SHOWN_MS = 6_000;
/** A screen reader hears nothing from the page below a dialog: by then the dialog in which something was done has closed. */
const DELAY_MS = 100;
let timer = 0;

/** Say that something has been done, to eyes and to screen readers. @param {string} words @param {number} [ms] How long. */
export function say(words, ms = SHOWN_MS) {
  clearTimeout(timer);
  // What is said twice is heard twice.
  announced.set("");
  timer = setTimeout(() => {
    announced.set(words);
    timer = setTimeout(() => announced.set(""), ms);
  }, DELAY_MS);
}

/** Say what a change has done; with a test key nothing is kept. @param {string} words */
export const sayDone = (words) => say(isTest() ? "All is right. With a test key nothing is kept." : words);

/** Where `say` speaks. It is there once. */
export function Announcements() {
  const words = useStore(announced);
  return html`<div class="announcements" role="status">${words && html`<p dir="auto">${words}</p>`}</div>`;
}

/** What is the matter with the API, as long as something is: above the page, and in a dialog, below which nobody hears the page. */
export function Waiting() {
  const words = useStore(connection);
  return html`<div class="waiting" role="status">${words && html`<p class="bar">${words}</p>`}</div>`;
}

/** @param {{what?: string}} properties */
export const Loading = ({ what = "it" }) => html`<p class="loading" role="status">Loading ${what} …</p>`;

/**
 * Why something was refused, and what to do.
 *
 * @param {{failure: import("../api.js").Failure | null, again?: () => void, known?: string[]}} properties
 *   `known`: fields beside which a form shows what is wrong with them; they are not listed here.
 */
export function FailureNotice({ failure, again, known = [] }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => box.current?.scrollIntoView?.({ block: "nearest" }), [failure]);
  if (!failure) return null;
  const isBeside = (/** @type {string} */ field) =>
    known.some((one) => field === one || field.startsWith(`${one}.`));
  const others = failure.errors.filter(
    (error) => !isBeside(error.field) && error.message !== failure.message,
  );
  const isTold = failure.errors.length > 0 && failure.errors.every((error) => isBeside(error.field));
  return html`<div class="failure" role="alert" ref=${box}>
    <p dir="auto">${isTold && [400, 422].includes(failure.status) ? "Some fields are not right: see beside them." : failure.message}</p>
    ${
      others.length > 0 &&
      html`<ul>
      ${others.map((error) => html`<li key=${error.field} dir="auto"><code>${error.field}</code>: ${error.message}</li>`)}
    </ul>`
    }
    ${
      failure.existingId &&
      CONTACTS_IN_THE_WAY.includes(failure.code) &&
      html`<p><a href=${href(`contact/${part(failure.existingId)}`)}>Open the contact that is in the way</a></p>`
    }
    ${failure.scope && !failure.message.includes(failure.scope) && html`<p>The key lacks the scope <code>${failure.scope}</code>.</p>`}
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
    ${failure.requestId && html`<p class="small">Request ${failure.requestId}</p>`}
  </div>`;
}

/** A part of a page that has nothing yet, and what to do about it. @param {{title: string, children?: any}} properties */
export const Empty = ({ title, children }) =>
  html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;
