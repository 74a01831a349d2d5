// @ts-check
/** What a contact has: the fields that every contact has, its custom fields, its metadata. */

import { Button, Choice, Form, TextField } from "../../elements/forms.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { Section } from "../../elements/page.js";
import { FREE_KINDS, kindOf, TypedField, valueOf } from "../../elements/typed_field.js";
import { useAction, useList } from "../../loading.js";
import { may } from "../../session.js";
import { html, useState } from "../../vendor/preact.js";
import { Editable } from "./editable.js";
import { change, TEXTS } from "./record.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */
/** @typedef {import("../../elements/typed_field.js").Property} Property */

/** The account's properties, as far as the key may see them. @returns {Property[]} */
export const useProperties = () =>
  useList(may("properties:read") ? "contact-properties" : null, { limit: 500 }).rows;

/** @param {{record: ContactRecord}} properties */
export const Details = ({ record }) => html`<${Section} title="Details">
  <dl class="facts">
    ${TEXTS.map(
      ([field, label]) => html`<${Editable} key=${field} record=${record} field=${field} label=${label}
        value=${record.contact[field]} changeTo=${(/** @type {unknown} */ value) => ({ [field]: value })} />`,
    )}
  </dl>
<//>`;

/**
 * Custom fields or metadata. Keys are the account's own, and may be any: `__proto__`, too.
 *
 * @param {{record: ContactRecord, map: "custom_fields" | "metadata", title: string, properties?: Property[]}} properties
 */
export function Fields({ record, map, title, properties = [] }) {
  const values = new Map(Object.entries(record.contact[map]));
  const [isAdding, setAdding] = useState(false);
  const mayAdd = may("contacts:write") && !isAdding;
  const typed = new Map(properties.map((property) => [property.name, property]));
  // A property shows its place where the contact has no value yet.
  const keys = [...new Set([...typed.keys(), ...values.keys()])];
  return html`<${Section} title=${title} actions=${mayAdd && html`<${Button} act=${() => setAdding(true)}>Add a field<//>`}>
    ${!keys.length && !isAdding && html`<p class="none">None yet.</p>`}
    ${isAdding && html`<${NewField} record=${record} map=${map} taken=${keys} close=${() => setAdding(false)} />`}
    <dl class="facts">
      ${keys.map((key) => {
        const property = typed.get(key);
        const value = values.get(key);
        return html`<${Editable} key=${key} record=${record} field=${`${map}.${key}`} label=${property?.label ?? key}
          value=${value} kind=${property?.type ?? kindOf(value)} property=${property}
          changeTo=${(/** @type {unknown} */ to) => ({ [map]: { [key]: to } })} />`;
      })}
    </dl>
  <//>`;
}

/** @param {{record: ContactRecord, map: string, taken: string[], close: () => void}} properties */
function NewField({ record, map, taken, close }) {
  const [key, setKey] = useState("");
  const [kind, setKind] = useState("string");
  const [text, setText] = useState("");
  const adding = useAction(async () => {
    await change(record, { [map]: { [key]: valueOf(kind, text, `${map}.${key}`) } });
    say(`Added ${key}.`);
    close();
  });
  const isTaken = taken.includes(key);
  const field = `${map}.${key}`;
  return html`<${Form} class="new-field" send=${() => !isTaken && key && text.trim() && adding.act()}>
    <${TextField} label="Field" value=${key} set=${setKey} autocomplete="off" wrong=${isTaken ? "There is one already: change it below." : ""} />
    <${Choice} label="Kind" value=${kind} set=${(/** @type {string} */ one) => (setKind(one), setText(""))} choices=${FREE_KINDS} />
    <${TypedField} key=${kind} kind=${kind} label="Value" value=${text} set=${setText} wrong=${adding.failure?.of(field)} />
    <${FailureNotice} failure=${adding.failure} known=${[field]} />
    <div class="actions">
      <${Button} kind="main" isBusy=${adding.isBusy}>Add<//>
      <${Button} act=${close}>Cancel<//>
    </div>
  <//>`;
}
