// @ts-check
/** What a contact has: its fields, custom fields, metadata, tags, lists; and whether it may be written to. */

import { patch } from "../../api.js";
import { Confirm } from "../../elements/dialog.js";
import { More, useFocusAfter } from "../../elements/focus.js";
import { Button, Choice, Form, TextField, Toggle } from "../../elements/forms.js";
import { LabelsEditor } from "../../elements/labels_editor.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { Section } from "../../elements/page.js";
import { Badge, number, Time } from "../../elements/shown.js";
import { FREE_KINDS, kindOf, TypedField, typedValue, wrong } from "../../elements/values.js";
import { useAction, useList } from "../../loading.js";
import { href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useRef, useState } from "../../vendor/preact.js";
import { Editable } from "./editable.js";
import { change, cut, nameOf, TEXTS } from "./record.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */
/** @typedef {import("../../elements/values.js").Property} Property */

/** The account's properties, as far as the key may see them. @returns {Property[]} */
export const useProperties = () =>
  useList(may("properties:read") ? "contact-properties" : null, { limit: 500 }).rows;

/** @param {{record: ContactRecord}} properties */
export const Details = ({ record }) => html`<${Section} title="Details">
  <dl class="facts">
    ${Object.entries(TEXTS).map(
      ([field, label]) => html`<${Editable} key=${field} record=${record} field=${field} label=${label}
        value=${record.contact[field]} changeTo=${(value) => ({ [field]: value })} />`,
    )}
  </dl>
<//>`;

/** A contact may have 10,000 fields. */
const MOST_SHOWN = 200;

/**
 * Custom fields or metadata. Keys are the account's own, and may be any: `__proto__`, too.
 *
 * @param {{record: ContactRecord, map: "custom_fields" | "metadata", title: string, properties?: Property[]}} properties
 */
export function Fields({ record, map, title, properties = [] }) {
  const [isAdding, setAdding] = useState(false);
  const [most, setMost] = useState(MOST_SHOWN);
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useFocusAfter(isAdding, () => box.current?.querySelector(isAdding ? "input" : "button"));
  const values = new Map(Object.entries(record.contact[map]));
  const typed = new Map(properties.map((property) => [property.name, property]));
  // A property shows its place where the contact has no value yet.
  const keys = [...new Set([...typed.keys(), ...values.keys()])];
  const add =
    may("contacts:write") && !isAdding && html`<${Button} act=${() => setAdding(true)}>Add a field<//>`;
  return html`<div ref=${box}><${Section} title=${title} actions=${add}>
    ${!keys.length && !isAdding && html`<p class="none">None yet.</p>`}
    ${isAdding && html`<${NewField} record=${record} map=${map} taken=${keys} close=${() => setAdding(false)} />`}
    <dl class="facts">
      ${keys.slice(0, most).map((key) => {
        const property = typed.get(key);
        const value = values.get(key);
        return html`<${Editable} key=${key} record=${record} field=${`${map}.${key}`} label=${property?.label ?? key}
          value=${value} kind=${property?.type ?? kindOf(value)} property=${property}
          changeTo=${(to) => ({ [map]: { [key]: to } })} />`;
      })}
    </dl>
    <${More} list=${{ rows: keys.slice(0, most), more: keys.length > most ? () => setMost(Infinity) : null }}
      rows="dl > dt" words=${`Show all ${number(keys.length)}`} />
  <//></div>`;
}

/** A custom field that no property gives a type. @typedef {{key: string, kind: string, text: string}} Free */
/** @type {Free} */
export const NEW_FIELD = { key: "", kind: "string", text: "" };

/** The controls of such a field. @param {{field: Free, set: (field: Free) => void, wrong?: string, wrongKey?: string}} properties */
export const FreeField = ({ field, set, wrong, wrongKey }) => html`
  <${TextField} label="Field" value=${field.key} set=${(key) => set({ ...field, key })} wrong=${wrongKey} autocomplete="off" />
  <${Choice} label="Kind" value=${field.kind} choices=${FREE_KINDS} set=${(kind) => set({ ...field, kind, text: "" })} />
  <${TypedField} key=${field.kind} kind=${field.kind} label="Value" value=${field.text} wrong=${wrong} set=${(text) => set({ ...field, text })} />
`;

/** What is wrong with the name of a new field is said by this one. */
const KEY = "key";

/** @param {{record: ContactRecord, map: string, taken: string[], close: () => void}} properties */
function NewField({ record, map, taken, close }) {
  const [field, setField] = useState(NEW_FIELD);
  const name = `${map}.${field.key}`;
  const adding = useAction(async () => {
    if (!field.key) throw wrong(KEY, "Enter a name.");
    if (!field.text.trim()) throw wrong(name, "Enter a value.");
    await change(record, { [map]: { [field.key]: typedValue(field.kind, field.text, name) } });
    say(`Added ${field.key}.`);
    close();
  });
  const isTaken = taken.includes(field.key);
  return html`<${Form} class="new-field" send=${() => !isTaken && adding.act()}>
    <${FreeField} field=${field} set=${setField} wrong=${adding.failure?.of(name)}
      wrongKey=${isTaken ? "There is one already: change it below." : adding.failure?.of(KEY)} />
    <${FailureNotice} failure=${adding.failure} known=${[name, KEY]} />
    <div class="actions">
      <${Button} kind="main" isBusy=${adding.isBusy}>Add<//>
      <${Button} act=${close} disabled=${adding.isBusy}>Cancel<//>
    </div>
  <//>`;
}

/** @param {{record: ContactRecord}} properties */
export const TagsAndLists = ({ record }) => html`<${Section} title="Tags and lists">
  <h3>Tags</h3>
  <${Names} record=${record} what="tag" />
  <h3>Lists</h3>
  <${Names} record=${record} what="list" />
<//>`;

/** @param {{record: ContactRecord, what: "tag" | "list"}} properties */
function Names({ record, what }) {
  // It goes by no version: to add or to remove one name overwrites nothing that somebody else has done.
  const acting = useAction(async (/** @type {string} */ verb, /** @type {string} */ name) => {
    record.set(await patch(record.path, { [`${verb}_${what}s`]: [name] }));
    say(`${verb === "add" ? "Added" : "Removed"} the ${what} ${name}.`);
  });
  const last = useRef(Promise.resolve(true));
  // Several clicks are carried out one after another, until one fails.
  const act = (/** @type {string} */ verb, /** @type {string} */ name) => {
    const before = acting.isBusy ? last.current : Promise.resolve(true);
    last.current = before.then((isDone) => isDone && acting.act(verb, name));
    return last.current;
  };
  const mayWrite = may("contacts:write");
  const wrong = acting.failure?.errors[0]?.message;
  return html`
    <${LabelsEditor} what=${what} names=${record.contact[`${what}s`]} isBusy=${acting.isBusy} wrong=${wrong}
      to=${(name) => href("contacts", { [what]: name })}
      add=${mayWrite ? (name) => act("add", name) : undefined}
      remove=${mayWrite ? (name) => act("remove", name) : undefined} />
    ${!wrong && html`<${FailureNotice} failure=${acting.failure} />`}
  `;
}

/** Why an address is invalid. @type {Record<string, string>} */
const REASONS = {
  syntax: "It is no email address.",
  disposable: "Its domain hands out addresses that are thrown away.",
  no_mx: "Its domain does not exist, or takes no mail.",
  null_mx: "Its domain says that it takes no mail.",
  bounced: "Mail to it came back for good.",
};
const VERDICTS = /** @type {Record<string, [kind: "good" | "bad" | "busy", words: string]>} */ ({
  valid: ["good", "valid"],
  invalid: ["bad", "invalid"],
  pending: ["busy", "not validated yet"],
});

/** @param {{record: ContactRecord}} properties */
export function Reachable({ record }) {
  const { contact } = record;
  const [isAsking, setAsking] = useState(false);
  const switching = useAction((/** @type {boolean} */ is_active) => change(record, { is_active }));
  const isOut = contact.is_unsubscribed;
  const mayWrite = may("contacts:write");
  const [kind, words] = VERDICTS[contact.validation_status];
  return html`<${Section} title="May be written to">
    <dl class="facts">
      <dt>Subscription</dt>
      <dd>
        <${Badge} kind=${isOut ? "bad" : "good"}>${isOut ? "unsubscribed" : "subscribed"}<//>${" "}
        ${isOut && html`<${Time} at=${contact.unsubscribed_at} />`}
        ${mayWrite && html`${" "}<${Button} kind="quiet" act=${() => setAsking(true)}>${isOut ? "Subscribe again" : "Unsubscribe"}<//>`}
      </dd>
      ${
        contact.email &&
        html`<dt>Email</dt>
        <dd><${Badge} kind=${kind}>${words}<//> <span class="small">${REASONS[contact.validation_reason] ?? contact.validation_reason}</span></dd>`
      }
      <dt>Active</dt>
      <dd>
        ${
          mayWrite
            ? html`<${Toggle} label="Active" value=${contact.is_active} set=${switching.act} />`
            : contact.is_active
              ? "active"
              : "not active"
        }
        <${FailureNotice} failure=${switching.failure} />
      </dd>
    </dl>
    ${isAsking && html`<${Subscription} record=${record} close=${() => setAsking(false)} />`}
  <//>`;
}

/** @param {{record: ContactRecord, close: () => void}} properties */
function Subscription({ record, close }) {
  // What is asked for stays the same, also if somebody else does it meanwhile.
  const [isOut] = useState(record.contact.is_unsubscribed);
  const words = isOut ? "Subscribe again" : "Unsubscribe";
  return html`<${Confirm} title=${`${words}: ${cut(nameOf(record.contact))}`} words=${words} isDanger=${!isOut} close=${close}
    act=${async () => {
      await change(record, { is_unsubscribed: !isOut });
      say(isOut ? "Subscribed again." : "Unsubscribed.");
    }}>
    ${
      isOut
        ? html`<p>This person has opted out. Subscribe them again only if <strong>they have asked for it</strong>: nobody else may.</p>
          <p>The opt-outs of all addresses that lead to this contact are lifted.</p>`
        : html`<p>The person stays opted out, whatever happens to the contact: also when it is deleted, imported or created again with the
            same email. Only the person's own word brings them back.</p>`
    }
  <//>`;
}
