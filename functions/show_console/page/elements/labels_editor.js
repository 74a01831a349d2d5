// @ts-check
/** Tags or lists that are added and removed, with what the account has as suggestions. */

import { useList } from "../loading.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { useFocusAfter } from "./focus.js";
import { Button, isPressed, TextField, useId } from "./forms.js";
import { counted, Labels } from "./shown.js";

/** Names beyond these are not suggested; they can still be typed. */
const MOST_SUGGESTED = 1000;

/**
 * A field for one tag or list. Its suggestions are loaded when it is first used.
 *
 * @param {{what: "tag" | "list", label: string, words?: string, add: (name: string) => unknown, wrong?: string,
 *   isBusy?: boolean, keepsOnBlur?: boolean, [attribute: string]: any}} properties
 *   `words`: of the button; `add` says false where it failed, then the text stays;
 *   `keepsOnBlur`: what was typed counts when the field is left, for forms that are sent as a whole.
 */
export function LabelField({ what, label, words = "Add", add, isBusy, keepsOnBlur, ...more }) {
  const [text, setText] = useState("");
  const [isUsed, setUsed] = useState(false);
  const list = useList(isUsed ? `${what}s` : null, { limit: 100 });
  useEffect(() => {
    if (!list.isLoading && !list.failure && list.rows.length < MOST_SUGGESTED) list.more?.();
  }, [list.rows.length, list.isLoading]);
  const id = useId();
  const send = async () => {
    const name = text.trim();
    // What was typed meanwhile stays.
    if (name && (await add(name)) !== false) setText((now) => (now.trim() === name ? "" : now));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (!isPressed(event, "Enter")) return;
    event.preventDefault();
    send();
  };
  return html`<div class="with-button">
    <${TextField} label=${label} value=${text} set=${setText} list=${id} autocomplete="off" onFocus=${() => setUsed(true)}
      onKeyDown=${onKeyDown} onBlur=${keepsOnBlur ? send : undefined} ...${more} />
    <${Button} act=${send} isBusy=${isBusy} aria-label=${`${words}: ${label}`}>${words}<//>
    <datalist id=${id}>
      ${list.rows.map((one) => html`<option key=${one[what]} value=${one[what]} label=${counted(one.count, "contact")} />`)}
    </datalist>
  </div>`;
}

/**
 * @param {{what: "tag" | "list", names: string[], add?: (name: string) => unknown, remove?: (name: string) => unknown,
 *   to?: (name: string) => string, wrong?: string, isBusy?: boolean, keepsOnBlur?: boolean}} properties
 *   Without `add` and `remove` they are only shown.
 */
export function LabelsEditor({ what, names, add, remove, to, ...more }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useFocusAfter(names.length, () => box.current?.querySelector("input"));
  return html`<div class="labels-editor" ref=${box}>
  ${names.length > 0 && html`<${Labels} names=${names} what=${what} remove=${remove} to=${to} />`}
  ${!names.length && !add && html`<p class="none">None</p>`}
  ${
    add &&
    html`<${LabelField} what=${what} label=${`Add a ${what}`} placeholder=${`Add a ${what}`} isLabelHidden=${true} add=${add} ...${more} />`
  }
</div>`;
}

/**
 * Tags or lists that a form gathers.
 *
 * @param {{what: "tag" | "list", legend: string, value: string[], set: (names: string[]) => void, wrong?: string}} properties
 */
export const LabelSet = ({ what, legend, value, set, wrong }) => html`<fieldset class="label-set">
  <legend>${legend}</legend>
  <${LabelsEditor} what=${what} names=${value} keepsOnBlur=${true} wrong=${wrong}
    add=${(name) => set([...new Set([...value, name])])} remove=${(name) => set(value.filter((one) => one !== name))} />
</fieldset>`;
