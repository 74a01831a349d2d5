// @ts-check
/** A value that becomes a control when it is clicked, and is saved alone. */

import { Failure, get, patch } from "../../api.js";
import { Button, Form, isPressed } from "../../elements/forms.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { TypedField, textOf, typedValue, Value } from "../../elements/values.js";
import { isExact } from "../../json.js";
import { useAction, useGone } from "../../loading.js";
import { may } from "../../session.js";
import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { differences } from "./record.js";

/**
 * @typedef {object} EditableProperties
 * @property {import("./record.js").ContactRecord} record
 * @property {string} field As the API calls it in an error: `custom_fields.plan`.
 * @property {string} label
 * @property {unknown} value
 * @property {string} [kind]
 * @property {import("../../elements/values.js").Property} [property]
 * @property {(value: unknown) => object} changeTo What is sent for a value.
 */

/** @typedef {import("./record.js").Difference} Difference */

/** A value and its name, as a part of a `dl`. @param {EditableProperties} properties */
export function Editable(properties) {
  const { label, value } = properties;
  const [isOpen, setOpen] = useState(false);
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const wasOpen = useRef(false);
  // Before the browser draws: what is typed right after Enter goes into the control.
  useLayoutEffect(() => {
    if (isOpen || wasOpen.current) {
      const control = place.current?.querySelector("input, select, textarea, button:last-child");
      /** @type {HTMLElement | null | undefined} */ (control)?.focus();
      if (control instanceof HTMLInputElement) control.select();
    }
    wasOpen.current = isOpen;
  }, [isOpen]);
  const shown = html`<${Value} value=${value} label=${label} />`;
  const open = () => setOpen(true);
  let content = shown;
  if (isOpen) {
    content = html`<${Editor} ...${properties} close=${() => setOpen(false)} />`;
  } else if (may("contacts:write") && !isExact(value)) {
    content = html`${shown}<p class="small">This browser would round a number in it. Change it with the API.</p>`;
  } else if (may("contacts:write")) {
    // A long value has a button of its own, which shows all of it: it stands beside the one that edits.
    const isLong = textOf(value).length > 200 || /\n/.test(textOf(value));
    content = isLong
      ? html`${shown}${" "}<${Button} kind="quiet" act=${open} aria-label=${`Edit ${label}`}>Edit<//>`
      : html`<button type="button" class="value" onClick=${open}><span class="hidden">Edit ${label}:${" "}</span>${shown}</button>`;
  }
  return html`<dt dir="auto">${label}</dt><dd ref=${place}>${content}</dd>`;
}

/** @param {EditableProperties & {close: () => void}} properties */
function Editor({ record, field, label, value, kind = "string", property, changeTo, close }) {
  const [text, setText] = useState(textOf(value));
  const [opened] = useState({ value });
  const [refused, setRefused] = useState(/** @type {Difference[] | null} */ (null));
  const gone = useGone();
  const saving = useAction(async () => {
    const body = changeTo(typedValue(kind, text, field));
    try {
      record.set(await patch(record.path, body, { ifMatch: record.etag }));
      close();
      say(`Saved: ${label}.`);
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.status !== 412) throw failure;
      const now = await get(record.path);
      // What differs is shown nowhere: then it is said that it was not saved.
      if (gone.current) throw failure;
      setRefused(differences(record.contact, now.data));
      record.set(now);
    }
  });
  // The page may get a newer state by another change of one's own, so that nothing is refused any more.
  const isOther = textOf(opened.value) !== textOf(value);
  const meanwhile = refused ?? (isOther ? [{ words: label, values: [opened.value, value] }] : null);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) =>
    isPressed(event, "Escape") && !saving.isBusy && close();
  const wrong = saving.failure?.of(field);
  return html`<${Form} send=${saving.act} onKeyDown=${onKeyDown}>
    <${TypedField} kind=${kind} property=${property} label=${label} isLabelHidden=${true} value=${text} set=${setText} wrong=${wrong} />
    ${(!wrong || saving.failure?.existingId) && html`<${FailureNotice} failure=${saving.failure} known=${[field]} />`}
    ${meanwhile && html`<${Meanwhile} changes=${meanwhile} />`}
    <div class="actions">
      <${Button} kind="main" isBusy=${saving.isBusy}>${meanwhile ? "Save over it" : "Save"}<//>
      <${Button} act=${close} disabled=${saving.isBusy}>${meanwhile ? "Take theirs" : "Cancel"}<//>
    </div>
  <//>`;
}

/** What somebody else has changed since the field was opened. @param {{changes: Difference[]}} properties */
const Meanwhile = ({ changes }) => html`<div class="failure" role="alert">
  <p>Somebody has changed this contact meanwhile. What you typed is kept, and not saved yet.</p>
  <ul>
    ${changes.map(
      ({ words, values }) => html`<li key=${words}>
        <span dir="auto">${words}</span>: <${Value} value=${values[0]} label=${words} isCut=${true} /> → <strong
          ><${Value} value=${values[1]} label=${words} isCut=${true} /></strong>
      </li>`,
    )}
  </ul>
</div>`;
