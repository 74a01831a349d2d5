// @ts-check
/** A value that becomes a control when it is clicked, and is saved alone. */

import { Failure, get, patch } from "../../api.js";
import { Button, Form } from "../../elements/forms.js";
import { JsonValue, textOf } from "../../elements/json_value.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { TypedField, valueOf } from "../../elements/typed_field.js";
import { isExact } from "../../json.js";
import { useAction } from "../../loading.js";
import { may } from "../../session.js";
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { differences } from "./record.js";

/**
 * A value and its name, as a part of a `dl`.
 *
 * @param {object} properties
 * @param {import("./record.js").ContactRecord} properties.record
 * @param {string} properties.field As the API calls it in an error: `custom_fields.plan`.
 * @param {string} properties.label
 * @param {unknown} properties.value
 * @param {string} [properties.kind]
 * @param {import("../../elements/typed_field.js").Property} [properties.property]
 * @param {(value: unknown) => object} properties.changeTo What is sent for a value.
 */
export function Editable({ record, field, label, value, kind = "string", property, changeTo }) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const wasOpen = useRef(false);
  const isOpen = text !== null;
  useEffect(() => {
    const control = /** @type {HTMLElement | null | undefined} */ (
      place.current?.querySelector("input, select, textarea, button")
    );
    if (isOpen || wasOpen.current) control?.focus();
    if (isOpen && control instanceof HTMLInputElement) control.select();
    wasOpen.current = isOpen;
  }, [isOpen]);
  const shown = html`<${JsonValue} value=${value} label=${label} />`;
  let content;
  if (!may("contacts:write")) content = shown;
  else if (!isExact(value))
    content = html`${shown}<p class="small">This browser would round a number in it. Change it with the API.</p>`;
  else if (isOpen) {
    content = html`<${Editor} ...${{ record, field, label, kind, property, changeTo, text, setText }} close=${() => setText(null)} />`;
  } else {
    // A long value has a button of its own that shows all of it, so it stands beside the one that edits.
    const isLong = typeof value === "object" ? value !== null : textOf(value).length > 200;
    const edit = () => setText(textOf(value));
    content = isLong
      ? html`${shown} <${Button} kind="quiet" act=${edit} aria-label=${`Edit ${label}`}>Edit<//>`
      : html`<button type="button" class="value" onClick=${edit}><span class="hidden">Edit ${label}:${" "}</span>${shown}</button>`;
  }
  return html`<dt dir="auto">${label}</dt><dd ref=${place}>${content}</dd>`;
}

/** @param {any} properties As `Editable`'s, with the text, and what closes the editor. */
function Editor({ record, field, label, kind, property, changeTo, text, setText, close }) {
  const [meanwhile, setMeanwhile] = useState(/** @type {import("../../api.js").Answer | null} */ (null));
  const saving = useAction(async () => {
    const body = changeTo(valueOf(kind, text, field));
    try {
      record.set(await patch(record.path, body, { ifMatch: meanwhile?.etag ?? record.etag }));
      close();
      say(`Saved: ${label}.`);
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.status !== 412) throw failure;
      setMeanwhile(await get(record.path));
    }
  });
  const leave = () => {
    if (meanwhile) record.set(meanwhile);
    close();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    leave();
  };
  return html`<${Form} send=${saving.act} onKeyDown=${onKeyDown}>
    <${TypedField} kind=${kind} property=${property} label=${label} isLabelHidden=${true} value=${text} set=${setText}
      wrong=${saving.failure?.of(field)} />
    <${FailureNotice} failure=${saving.failure?.of(field) && !saving.failure.existingId ? null : saving.failure} known=${[field]} />
    ${meanwhile && html`<${Meanwhile} before=${record.contact} now=${meanwhile.data} />`}
    <div class="actions">
      <${Button} kind="main" isBusy=${saving.isBusy}>${meanwhile ? "Save over it" : "Save"}<//>
      <${Button} act=${leave}>${meanwhile ? "Take theirs" : "Cancel"}<//>
    </div>
  <//>`;
}

/** What somebody else has changed since the page was loaded. @param {{before: any, now: any}} properties */
const Meanwhile = ({ before, now }) => html`<div class="failure" role="alert">
  <p>Somebody has changed this contact meanwhile. What you typed is kept, and not saved yet.</p>
  <ul>
    ${differences(before, now).map(
      ({ words, values: [old, value] }) => html`<li key=${words}>
        <span dir="auto">${words}</span>: <${JsonValue} value=${old} label=${words} isCut=${true} /> → <strong
          ><${JsonValue} value=${value} label=${words} isCut=${true} /></strong>
      </li>`,
    )}
  </ul>
</div>`;
