// @ts-check
/** A contact is made by hand. */

import { post } from "../api.js";
import { Button, Choice, Form, TextField } from "../elements/forms.js";
import { LabelsEditor } from "../elements/labels_editor.js";
import { FailureNotice, say } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { FREE_KINDS, TypedField, valueOf, wrong } from "../elements/typed_field.js";
import { useAction } from "../loading.js";
import { go, HOME, href } from "../routing.js";
import { may } from "../session.js";
import { html, useState } from "../vendor/preact.js";
import { useProperties } from "./contact/fields.js";

const TEXTS = [
  {
    field: "email",
    label: "Email",
    type: "email",
    inputmode: "email",
    hint: "An email or an external id is needed.",
  },
  { field: "external_id", label: "External id", hint: "Your own id of this person" },
  { field: "first_name", label: "First name" },
  { field: "last_name", label: "Last name" },
  { field: "name", label: "Name as shown", hint: "Left empty, it is made of first and last name." },
  { field: "phone", label: "Phone", type: "tel", hint: "With its country, as +4930123456" },
];
const MAP = "custom_fields";

/** @typedef {{key: string, kind: string, text: string}} Free A custom field that no property gives a type. */

export function View() {
  const [texts, setTexts] = useState(/** @type {Record<string, string>} */ ({}));
  const [labels, setLabels] = useState({
    tag: /** @type {string[]} */ ([]),
    list: /** @type {string[]} */ ([]),
  });
  const [typed, setTyped] = useState(/** @type {Map<string, string>} */ (new Map()));
  const [free, setFree] = useState(/** @type {Free[]} */ ([]));
  const properties = useProperties();
  const making = useAction(async () => {
    const fields = [
      ...properties.map(({ name, type }) => ({ key: name, kind: type, text: typed.get(name) ?? "" })),
      ...free,
    ];
    const { data } = await post("contacts", {
      ...Object.fromEntries(TEXTS.map(({ field }) => [field, texts[field]?.trim() || null])),
      tags: labels.tag,
      lists: labels.list,
      [MAP]: valuesOf(fields),
    });
    if (data.test_mode) return say("All is right. With a test key nothing is kept.");
    go(href(`contact/${data.id}`), { replace: true });
    say(data.is_unsubscribed ? "Made. This address has opted out before, and stays so." : "Made.");
  });
  const { failure } = making;
  if (!may("contacts:write"))
    return html`<${Page} title="New contact"><p>The key may not make contacts: it lacks <code>contacts:write</code>.</p><//>`;
  const known = [
    ...TEXTS.map(({ field }) => field),
    "tags",
    "lists",
    ...[...properties.map(({ name }) => name), ...free.map(({ key }) => key)].map((key) => `${MAP}.${key}`),
  ];
  const labelled = (/** @type {"tag" | "list"} */ what) => {
    const set = (/** @type {string[]} */ names) => setLabels((before) => ({ ...before, [what]: names }));
    return html`<${LabelsEditor} what=${what} names=${labels[what]} keepsOnBlur=${true} wrong=${failure?.of(`${what}s`)}
      add=${(/** @type {string} */ name) => set([...new Set([...labels[what], name])])}
      remove=${(/** @type {string} */ name) => set(labels[what].filter((one) => one !== name))} />`;
  };
  return html`<${Page} title="New contact">
    <${Form} class="narrow" send=${making.act}>
      <${Section} title="Details">
        ${TEXTS.map(
          (
            { field, ...more },
            index,
          ) => html`<${TextField} key=${field} value=${texts[field] ?? ""} autocomplete="off" wrong=${failure?.of(field)}
            set=${(/** @type {string} */ text) => setTexts((before) => ({ ...before, [field]: text }))} ...${index ? {} : { "data-first": "" }} ...${more} />`,
        )}
      <//>
      <${Section} title="Tags and lists">${labelled("tag")}${labelled("list")}<//>
      <${Section} title="Custom fields" actions=${html`<${Button} act=${() => setFree([...free, { key: "", kind: "string", text: "" }])}>Add a field<//>`}>
        ${properties.map(
          (
            property,
          ) => html`<${TypedField} key=${property.name} kind=${property.type} property=${property} label=${property.label}
            value=${typed.get(property.name) ?? ""} wrong=${failure?.of(`${MAP}.${property.name}`)}
            set=${(/** @type {string} */ text) => setTyped((before) => new Map(before).set(property.name, text))} />`,
        )}
        ${free.map(
          (
            one,
            index,
          ) => html`<${FreeField} key=${index} field=${one} wrong=${one.key && failure?.of(`${MAP}.${one.key}`)}
            set=${(/** @type {Free} */ next) => setFree(free.with(index, next))} remove=${() => setFree(free.toSpliced(index, 1))} />`,
        )}
        ${!properties.length && !free.length && html`<p class="none">None yet.</p>`}
      <//>
      <${FailureNotice} failure=${failure} known=${known} />
      <div class="actions">
        <${Button} kind="main" isBusy=${making.isBusy}>Make the contact<//>
        <a class="button" href=${href(HOME)}>Cancel</a>
      </div>
    <//>
  <//>`;
}

/** @param {{field: Free, set: (next: Free) => void, remove: () => void, wrong?: string}} properties */
const FreeField = ({ field, set, remove, wrong: fault }) => html`<fieldset class="new-field">
  <legend class="hidden">Custom field ${field.key}</legend>
  <${TextField} label="Field" value=${field.key} set=${(/** @type {string} */ key) => set({ ...field, key })} autocomplete="off" />
  <${Choice} label="Kind" value=${field.kind} choices=${FREE_KINDS} set=${(/** @type {string} */ kind) => set({ ...field, kind, text: "" })} />
  <${TypedField} key=${field.kind} kind=${field.kind} label="Value" value=${field.text} wrong=${fault} set=${(/** @type {string} */ text) => set({ ...field, text })} />
  <${Button} act=${remove}>Remove<//>
</fieldset>`;

/** The custom fields that have a value. @param {Free[]} fields */
function valuesOf(fields) {
  const values = new Map();
  for (const { key, kind, text } of fields) {
    const value = valueOf(kind, text, `${MAP}.${key}`);
    if (value === null) continue;
    if (values.has(key)) throw wrong(`${MAP}.${key}`, "is there twice");
    values.set(key, value);
  }
  return Object.fromEntries(values);
}
