// @ts-check
/** Tags or lists that are added and removed, with what the account has as suggestions. */

import { useList } from "../loading.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Button, TextField, useId } from "./forms.js";
import { counted, Labels } from "./shown.js";

/** Names beyond these are not suggested; they can still be typed. */
const MOST_SUGGESTED = 1000;

/** The account's tags or lists with their counts, once they are asked for. @param {"tag" | "list"} what @param {boolean} isAsked */
function useNames(what, isAsked) {
  const list = useList(isAsked ? `${what}s` : null, { limit: 100 });
  useEffect(() => {
    if (list.more && !list.failure && list.rows.length < MOST_SUGGESTED) list.more();
  }, [list.rows.length, Boolean(list.more)]);
  return list.rows;
}

/**
 * A field for one tag or list.
 *
 * @param {{what: "tag" | "list", label: string, words?: string, add: (name: string) => unknown, wrong?: string,
 *   isBusy?: boolean, keepsOnBlur?: boolean, [attribute: string]: any}} properties
 *   `words`: of the button; `add` says false where it failed, then the text stays;
 *   `keepsOnBlur`: what was typed counts when the field is left, for forms that are sent as a whole.
 */
export function LabelField({ what, label, words = "Add", add, wrong, isBusy, keepsOnBlur, ...more }) {
  const [text, setText] = useState("");
  const [isAsked, setAsked] = useState(false);
  const names = useNames(what, isAsked);
  const id = useId();
  const send = async () => {
    const name = text.trim();
    if (name && (await add(name)) !== false) setText("");
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      send();
    }
  };
  return html`<div class="with-button">
    <${TextField} label=${label} value=${text} set=${setText} wrong=${wrong} list=${id} autocomplete="off"
      onFocus=${() => setAsked(true)} onKeyDown=${onKeyDown} onBlur=${keepsOnBlur ? send : undefined} ...${more} />
    <${Button} act=${send} isBusy=${isBusy} aria-label=${`${words}: ${label}`}>${words}<//>
    <datalist id=${id}>
      ${names.map((one) => html`<option value=${one[what]} label=${counted(one.count, "contact")} />`)}
    </datalist>
  </div>`;
}

/**
 * @param {{what: "tag" | "list", names: string[], add?: (name: string) => unknown, remove?: (name: string) => unknown,
 *   to?: (name: string) => string, wrong?: string, isBusy?: boolean, keepsOnBlur?: boolean}} properties
 *   Without `add` and `remove` they are only shown.
 */
export const LabelsEditor = ({ what, names, add, remove, to, ...more }) => html`<div class="labels-editor">
  ${names.length > 0 && html`<${Labels} names=${names} what=${what} remove=${remove} to=${to} />`}
  ${!names.length && !add && html`<p class="none">No ${what}s</p>`}
  ${add && html`<${LabelField} what=${what} label=${`Add a ${what}`} placeholder=${`Add a ${what}`} isLabelHidden=${true} add=${add} ...${more} />`}
</div>`;
