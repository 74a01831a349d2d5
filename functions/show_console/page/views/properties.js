// @ts-check
/** Contact properties: the custom fields that have a type. They are defined, described, archived and brought back. */

import { part, post, put, remove } from "../api.js";
import { Confirm, FormDialog } from "../elements/dialog.js";
import { Button, Choice, changed, TextField } from "../elements/forms.js";
import { Empty, FailureNotice, sayDone } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, Labels } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useGo, useList } from "../loading.js";
import { href } from "../routing.js";
import { isTest, may } from "../session.js";
import { html, useState } from "../vendor/preact.js";

/** By type: what it takes. */
const TYPES = /** @type {Record<string, string>} */ ({
  string: "text",
  number: "number",
  boolean: "yes or no",
  date: "day",
  datetime: "day and time",
  enum: "one of its options",
  object: "JSON object",
  array: "JSON array",
});
/** All that an account can have. */
const ALL = 500;
const MANY_OPTIONS = 6;

/** @typedef {{id: string, name: string, label: string, type: string, options?: string[], description: string | null, archived: boolean}} Property */

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const list = /** @type {import("../loading.js").Listed<Property>} */ (
    useList("contact-properties", { archived: true, limit: ALL })
  );
  const [archiving, setArchiving] = useState(/** @type {Property | null} */ (null));
  const mayWrite = may("properties:write");
  const shown = route.query.get("edit");
  const edited = list.rows.find((property) => property.id === shown);
  const go = useGo();
  const close = () => go(href("properties"), { replace: true });
  const done = (/** @type {string} */ words) => {
    close();
    sayDone(words);
    list.again();
  };
  const isNew = route.query.has("new");
  const back = useAction(async (/** @type {Property} */ property) => {
    await put(`contact-properties/${part(property.id)}`, { archived: false });
    done(`${property.label} is in use again.`);
  });
  const columns = /** @type {import("../elements/table.js").Column<Property>[]} */ ([
    { title: "Label", isHead: true, cell: labelled },
    {
      title: "Name",
      kind: "wide",
      cell: ({ name }) => html`<code>${name}</code>`,
    },
    { title: "Takes", kind: "text", cell: taken },
  ]);
  if (mayWrite) {
    columns.push({
      title: "Changes",
      cell: (property) => html`<div class="actions">
            <a class="button" href=${href("properties", { edit: property.id })} aria-label=${`Edit: ${property.label}`}>Edit</a>
            ${
              property.archived
                ? html`<${Button} act=${() => back.act(property)} isBusy=${back.isBusy} aria-label=${`Use again: ${property.label}`}>Use again<//>`
                : html`<${Button} act=${() => setArchiving(property)} aria-label=${`Archive: ${property.label}`}>Archive<//>`
            }
          </div>`,
    });
  }
  return html`<${Page} title="Properties"
    under="Custom fields of contacts that have a type. What is written to them is checked by it."
    actions=${mayWrite && html`<a class="button main" href=${href("properties", { new: "1" })}>New property</a>`}>
    <${FailureNotice} failure=${back.failure} />
    <${Table} caption="Properties" list=${list} id=${(/** @type {Property} */ property) => property.id}
      columns=${columns}
      empty=${html`<${Empty} title="There is no property yet.">
        <p>${
          isTest()
            ? "A test key sees no properties and defines none that is kept."
            : "Custom fields take anything until a property gives one a type: a birthday that is a day, a plan that is one of three."
        }</p>
      <//>`} />
    ${mayWrite && (isNew || edited) && html`<${Editor} property=${edited} close=${close} done=${done} />`}
    ${
      archiving &&
      html`<${Confirm} title=${`Archive ${archiving.label}?`} words="Archive" close=${() => setArchiving(null)}
      act=${async () => {
        await remove(`contact-properties/${part(archiving.id)}`);
        done(`${archiving.label} is archived.`);
      }}>
      <p>The values that contacts have stay, and new ones are no longer checked. The name <code>${archiving.name}</code> stays
        taken. You can use the property again at any time.</p>
    <//>`
    }
  <//>`;
}

/** @param {Property} property */
const labelled = ({ label, description, archived }) => html`
  <span dir="auto">${label}</span> ${archived && html`<${Badge}>archived<//>`}
  ${description && html`<p class="small" dir="auto">${description}</p>`}
`;

/** @param {Property} property */
const taken = ({ type, options }) => html`
  ${TYPES[type] ?? type}
  ${options && html`<${Labels} names=${options} most=${MANY_OPTIONS} what="option" />`}
`;

/**
 * A new property, or one that there is: its name and type never change.
 *
 * @param {{property?: Property, close: () => void, done: (words: string) => void}} properties
 */
function Editor({ property, close, done }) {
  const [name, setName] = useState("");
  const [type, setType] = useState(property?.type ?? "string");
  const [label, setLabel] = useState(property?.label ?? "");
  const [description, setDescription] = useState(property?.description ?? "");
  const [options, setOptions] = useState((property?.options ?? []).join("\n"));
  const saving = useAction(async () => {
    const body = {
      label: label.trim() || null,
      description: description.trim() || null,
      ...(type === "enum" && {
        options: options
          .split("\n")
          .map((line) => line.trim())
          .filter(Boolean),
      }),
    };
    const changes = property && changed(property, body);
    if (!changes) await post("contact-properties", { ...body, name: name.trim(), type });
    else if (Object.keys(changes).length) await put(`contact-properties/${part(property.id)}`, changes);
    done(`${label.trim() || name.trim() || property?.name} is ${property ? "changed" : "defined"}.`);
  });
  const wrong = (/** @type {string} */ field) => saving.failure?.of(field) ?? "";
  return html`<${FormDialog} title=${property ? `Edit ${property.label}` : "New property"} words=${property ? "Save" : "Define"}
    send=${saving.act} close=${close} doing=${saving} known=${["name", "type", "label", "options", "description"]}>
    ${
      property
        ? html`<dl class="facts">
            <dt>Name</dt><dd><code>${property.name}</code></dd>
            <dt>Takes</dt><dd>${TYPES[type] ?? type}</dd>
          </dl>
          <p class="hint">These two never change.</p>`
        : html`<${TextField} label="Name" value=${name} set=${setName} wrong=${wrong("name")} autocapitalize="off" spellcheck=${false}
            hint="The key in custom_fields, such as birthday. It never changes: letters, digits, - and _." />
          <${Choice} label="Takes" value=${type} set=${setType} wrong=${wrong("type")} choices=${Object.entries(TYPES)}
            hint="It never changes either." />`
    }
    <${TextField} label="Label" value=${label} set=${setLabel} wrong=${wrong("label")} hint="What people see. Empty: the name." />
    ${
      type === "enum" &&
      html`<${TextField} label="Options" value=${options} set=${setOptions} lines=${5} wrong=${wrong("options")}
        hint=${`One a line.${property ? " A value that contacts have stays, also where it is no option any more." : ""}`} />`
    }
    <${TextField} label="Description" value=${description} set=${setDescription} wrong=${wrong("description")} lines=${2} />
  <//>`;
}
