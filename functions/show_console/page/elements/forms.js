// @ts-check
/** Fields and buttons. Beside each field stands what was wrong with it. */

import { html, useEffect, useRef, useState } from "../vendor/preact.js";

let fields = 0;
/** An id of this page that nothing else has. */
export function useId() {
  const id = useRef("");
  id.current ||= `f${++fields}`;
  return id.current;
}

/** Only what is different, so that what somebody else changes meanwhile stays. @param {any} before @param {object} fields */
export const changed = (before, fields) =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])),
  );

/** Whether a key was pressed; not where it ends a word that is composed, as of Japanese. @param {KeyboardEvent} event @param {string} key */
export const isPressed = (event, key) => event.key === key && !event.isComposing;

/**
 * A labelled control.
 *
 * @param {object} properties
 * @param {string} properties.label
 * @param {string} [properties.hint] What may be entered.
 * @param {string} [properties.wrong] What is wrong with what was entered.
 * @param {boolean} [properties.isLabelHidden] Where its place says what it is: the label is for screen readers.
 * @param {(attributes: {id: string, "aria-describedby"?: string, "aria-invalid"?: "true"}) => any} properties.children
 *   The control, given its attributes.
 */
export function Field({ label, hint, wrong, isLabelHidden, children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  useEffect(() => {
    const control = wrong ? document.getElementById(id) : null;
    const first = control?.closest("form")?.querySelector('[aria-invalid="true"]');
    // At the first field that is wrong one goes on, and hears what is wrong with it.
    if (control && control === first) control.focus();
  }, [Boolean(wrong)]);
  return html`<div class="field">
    <label for=${id} class=${isLabelHidden ? "hidden" : undefined}>${label}</label>
    ${children({ id, "aria-describedby": described, "aria-invalid": wrong ? "true" : undefined })}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${wrong && html`<p class="wrong" id=${`${id}-wrong`} dir="auto">${wrong}</p>`}
  </div>`;
}

/**
 * A line of text, or several.
 *
 * @param {{label: string, value: string, set: (value: string) => void, hint?: string, wrong?: string, type?: string,
 *   isLabelHidden?: boolean, lines?: number, [attribute: string]: any}} properties
 */
export function TextField({ label, value, set, hint, wrong, isLabelHidden, type = "text", lines, ...more }) {
  // The value of a day that is none, or is typed by half, is "", as of one that was taken out.
  const [isHalf, setHalf] = useState(false);
  const look = (/** @type {any} */ { target }) => setHalf(target.validity.badInput);
  const onInput = (/** @type {any} */ event) => {
    if (isHalf) look(event);
    set(event.target.value);
  };
  const day = type === "date" && { max: LAST_DAY, onInvalid: look, onKeyUp: isHalf ? look : undefined };
  return html`<${Field} label=${label} hint=${hint} wrong=${isHalf ? NO_DAY : wrong} isLabelHidden=${isLabelHidden}>
    ${(/** @type {any} */ attributes) =>
      lines
        ? html`<textarea rows=${lines} dir="auto" value=${value} onInput=${onInput} ...${attributes} ...${more} />`
        : html`<input type=${type} dir="auto" value=${value} onInput=${onInput} ...${attributes} ...${day} ...${more} />`}
  <//>`;
}

const NO_DAY = "This is no day. Type all of it, or take all of it out.";
/** Else browsers take years of six digits. */
const LAST_DAY = "9999-12-31";

/** Whether a control holds no day that is none, as 31 February; where it does, it says so. @param {any} control */
export const isWhole = (control) =>
  control.type !== "date" || !control.validity.badInput || control.checkValidity();

/**
 * One of several.
 *
 * @param {{label: string, value: string, set: (value: string) => void, choices: [value: string, words: string][],
 *   hint?: string, wrong?: string, isLabelHidden?: boolean, [attribute: string]: any}} properties
 */
export function Choice({ label, value, set, choices, hint, wrong, isLabelHidden, ...more }) {
  return html`<${Field} label=${label} hint=${hint} wrong=${wrong} isLabelHidden=${isLabelHidden}>
    ${(/** @type {any} */ attributes) =>
      html`<select value=${value} onChange=${(/** @type {any} */ event) => set(event.target.value)} ...${attributes} ...${more}>
        ${choices.map(([one, words]) => html`<option key=${one} value=${one} selected=${one === value}>${words}</option>`)}
      </select>`}
  <//>`;
}

/** Yes or no. @param {{label: any, value: boolean, set: (value: boolean) => void, [attribute: string]: any}} properties */
export const Toggle = ({ label, value, set, ...more }) => html`<label class="toggle">
  <input type="checkbox" checked=${value} onChange=${(/** @type {any} */ event) => set(event.target.checked)} ...${more} />
  <span>${label}</span>
</label>`;

/**
 * A button; while its action is carried out it is busy. A `danger` is red, a `quiet` one has no frame.
 *
 * @param {{act?: () => unknown, isBusy?: boolean, kind?: "main" | "danger" | "quiet" | "", children?: any, [attribute: string]: any}}
 *   properties Without `act` it sends its form.
 */
export const Button = ({ act, isBusy = false, kind = "", children, ...more }) => html`<button
  type=${act ? "button" : "submit"}
  class=${kind}
  aria-disabled=${isBusy ? "true" : undefined}
  onClick=${act && !isBusy ? () => act() : undefined}
  ...${more}
>${children}${isBusy ? " …" : ""}</button>`;

/** A form: Enter sends it, unless a day in it is none. @param {{send: () => unknown, children?: any, [attribute: string]: any}} properties */
export const Form = ({ send, children, ...more }) => html`<form
  novalidate
  onSubmit=${(/** @type {any} */ event) => {
    event.preventDefault();
    const wrong = [...event.currentTarget.elements].filter((control) => !isWhole(control));
    if (wrong.length) wrong[0].focus();
    else send();
  }}
  ...${more}
>${children}</form>`;
