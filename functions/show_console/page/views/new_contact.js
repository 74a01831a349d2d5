// @ts-check
/** A contact is created by hand. */

import { post } from "../api.js";
import { Button, Form, TextField } from "../elements/forms.js";
import { LabelSet } from "../elements/labels_editor.js";
import { FailureNotice, say } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { TypedField, typedValue, wrong } from "../elements/values.js";
import { useAction, useGo } from "../loading.js";
import { HOME, href } from "../routing.js";
import { may } from "../session.js";
import { html, useState } from "../vendor/preact.js";
import { FreeField, NEW_FIELD, useProperties } from "./contact/fields.js";

/** @typedef {import("./contact/fields.js").Free} Free */

const TEXTS = [
  {
    field: "email",
    label: "Email",
    type: "email",
    hint: "An email or an external id is needed.",
    "data-first": "",
  },
  { field: "external_id", label: "External id", hint: "Your own id of this person" },
  { field: "first_name", label: "First name" },
  { field: "last_name", label: "Last name" },
  { field: "name", label: "Name as shown", hint: "Left empty, it is made of first and last name." },
  { field: "phone", label: "Phone", type: "tel", hint: "With its country, as +4930123456" },
];
const MAP = "custom_fields";

export function View() {
  const [texts, setTexts] = useState(/** @type {Record<string, string>} */ ({}));
  const [tags, setTags] = useState(/** @type {string[]} */ ([]));
  const [lists, setLists] = useState(/** @type {string[]} */ ([]));
  const [typed, setTyped] = useState(/** @type {Map<string, string>} */ (new Map()));
  const [free, setFree] = useState(/** @type {Free[]} */ ([]));
  const properties = useProperties();
  const fields = [
    ...properties.map(({ name, type }) => ({ key: name, kind: type, text: typed.get(name) ?? "" })),
    ...free,
  ];
  const go = useGo();
  const making = useAction(async () => {
    const { data } = await post("contacts", {
      ...Object.fromEntries(TEXTS.map(({ field }) => [field, texts[field]?.trim() || null])),
      tags,
      lists,
      [MAP]: valuesOf(fields),
    });
    if (data.test_mode) return say("All is right. With a test key nothing is kept.");
    go(href(`contact/${data.id}`), { replace: true });
    say(data.is_unsubscribed ? "Created. This address has opted out before, and stays so." : "Created.");
  });
  const { failure } = making;
  if (!may("contacts:write")) {
    return html`<${Page} title="New contact"><p>This key may not create contacts: it lacks <code>contacts:write</code>.</p><//>`;
  }
  const known = [
    ...TEXTS.map(({ field }) => field),
    "tags",
    "lists",
    ...fields.map(({ key }) => `${MAP}.${key}`),
  ];
  return html`<${Page} title="New contact">
    <${Form} class="alone" send=${making.act}>
      <${Section} title="Details">
        ${TEXTS.map(
          ({
            field,
            ...more
          }) => html`<${TextField} key=${field} value=${texts[field] ?? ""} autocomplete="off" wrong=${failure?.of(field)}
            set=${(text) => setTexts((before) => ({ ...before, [field]: text }))} ...${more} />`,
        )}
      <//>
      <${Section} title="Tags and lists">
        <${LabelSet} what="tag" legend="Tags" value=${tags} set=${setTags} wrong=${failure?.of("tags")} />
        <${LabelSet} what="list" legend="Lists" value=${lists} set=${setLists} wrong=${failure?.of("lists")} />
      <//>
      <${Section} title="Custom fields" actions=${html`<${Button} act=${() => setFree([...free, NEW_FIELD])}>Add a field<//>`}>
        ${properties.map(
          (
            property,
          ) => html`<${TypedField} key=${property.name} kind=${property.type} property=${property} label=${property.label}
            value=${typed.get(property.name) ?? ""} wrong=${failure?.of(`${MAP}.${property.name}`)}
            set=${(text) => setTyped((before) => new Map(before).set(property.name, text))} />`,
        )}
        ${free.map(
          (one, index) => html`<fieldset key=${index} class="new-field">
            <legend class="hidden">Custom field ${one.key}</legend>
            <${FreeField} field=${one} set=${(next) => setFree(free.with(index, next))} wrong=${failure?.of(`${MAP}.${one.key}`)} />
            <${Button} act=${() => setFree(free.toSpliced(index, 1))}>Remove<//>
          </fieldset>`,
        )}
        ${!fields.length && html`<p class="none">None yet.</p>`}
      <//>
      <${FailureNotice} failure=${failure} known=${known} />
      <div class="actions">
        <${Button} kind="main" isBusy=${making.isBusy}>Create the contact<//>
        <a class="button" href=${href(HOME)}>Cancel</a>
      </div>
    <//>
  <//>`;
}

/** The custom fields that have a value. @param {Free[]} fields */
function valuesOf(fields) {
  const values = new Map();
  for (const { key, kind, text } of fields) {
    const value = typedValue(kind, text, `${MAP}.${key}`);
    if (value === null) continue;
    if (values.has(key)) throw wrong(`${MAP}.${key}`, "is there twice");
    values.set(key, value);
  }
  return Object.fromEntries(values);
}
