// @ts-check
/** The exports of the last 30 days, and a form for another. */

import { part, post } from "../api.js";
import { Dialog } from "../elements/dialog.js";
import { Button, Choice, Form, TextField, Toggle } from "../elements/forms.js";
import { Download, names, useMoving } from "../elements/jobs.js";
import { Empty, FailureNotice, say } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, number, size, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useList } from "../loading.js";
import { go, href } from "../routing.js";
import { may } from "../session.js";
import { html, useState } from "../vendor/preact.js";

/** @type {Record<string, "busy" | "good" | "bad">} */
const KINDS = { running: "busy", completed: "good", failed: "bad" };

/** @param {{job: any}} properties */
export const State = ({ job }) => html`<${Badge} kind=${KINDS[job.state]}>${job.state}<//>`;

/** A button where there is a file. @param {{job: any}} properties */
export const ExportFile = ({ job }) =>
  job.state === "completed" && may("contacts:read")
    ? html`<${Download} path=${`exports/${part(job.id)}`} gone="The file is gone.">Download<//>`
    : null;

/** @param {any} job */
export const isRunning = (job) => job.state === "running";

/** @param {any} job */
export const fileWords = ({ format, gzip, bytes }) =>
  `${format.toUpperCase()}${gzip ? ", gzipped" : ""}, ${size(bytes)}`;

/** @type {import("../elements/table.js").Column<any>[]} */
const COLUMNS = [
  {
    title: "Begun",
    isHead: true,
    cell: (job) => html`<a href=${href(`export/${job.id}`)}><${Time} at=${job.created_at} /></a>`,
  },
  { title: "State", cell: (job) => html`<${State} job=${job} />` },
  { title: "Contacts", kind: "number wide", cell: (job) => number(job.rows) },
  { title: "File", kind: "wide", cell: fileWords },
  { title: "Download", cell: (job) => html`<${ExportFile} job=${job} />` },
];

export function View() {
  const list = useMoving(useList("exports"), "exports", isRunning);
  const [isOpen, setOpen] = useState(false);
  const action =
    may("exports:write", "contacts:read") &&
    html`<${Button} kind="main" act=${() => setOpen(true)}>Export contacts<//>`;
  const empty = html`<${Empty} title="Nothing was exported in the last 30 days.">
    <p>An export is a file of all contacts, or of some, for a spreadsheet or another product. It can be imported again.</p>
    ${action}
  <//>`;
  return html`<${Page} title="Exports" under="A file is kept for 24 hours." actions=${list.rows.length > 0 && action}>
    <${Table} caption="Exports" columns=${COLUMNS} list=${list} id=${(job) => job.id} empty=${empty} />
    ${isOpen && html`<${NewExport} close=${() => setOpen(false)} />`}
  <//>`;
}

const FIELDS = [
  ...[
    "email",
    "external_id",
    "first_name",
    "last_name",
    "name",
    "phone",
    "tags",
    "lists",
    "custom_fields",
    "metadata",
    "is_active",
  ],
  ...[
    "is_unsubscribed",
    "unsubscribed_at",
    "validation_status",
    "validation_reason",
    "id",
    "version",
    "created_at",
    "updated_at",
  ],
];

/** @param {{close: () => void}} properties */
function NewExport({ close }) {
  const [format, setFormat] = useState("csv");
  const [gzip, setGzip] = useState(false);
  const [tag, setTag] = useState("");
  const [list, setList] = useState("");
  const [optedOut, setOptedOut] = useState("");
  const [fields, setFields] = useState(/** @type {string[]} */ ([]));
  const making = useAction(async () => {
    const [tags, lists] = [names(tag), names(list)];
    const filter = {
      ...(tags.length && { tag: tags }),
      ...(lists.length && { list: lists }),
      ...(optedOut && { is_unsubscribed: optedOut }),
    };
    const { data } = await post("exports", { format, gzip, filter, fields: fields.length ? fields : null });
    close();
    if (data.test_mode) say("The export is right. With a test key nothing is written.");
    else go(href(`export/${data.id}`));
  });
  const wrong = (/** @type {string} */ field) => making.failure?.of(field) ?? "";
  return html`<${Dialog} title="Export contacts" close=${close}>
    <${Form} send=${making.act}>
      <${Choice} label="Format" value=${format} set=${setFormat} choices=${[["csv", "CSV, for spreadsheets"], ["ndjson", "NDJSON, for programs"]]} />
      <${Toggle} label="Compressed with gzip" value=${gzip} set=${setGzip} />
      <${TextField} label="Only with the tags" value=${tag} set=${setTag} wrong=${wrong("filter.tag")} hint="Separated by commas; a contact must have all of them." />
      <${TextField} label="Only on the lists" value=${list} set=${setList} wrong=${wrong("filter.list")} />
      <${Choice} label="Who has opted out" value=${optedOut} set=${setOptedOut} choices=${[["", "is in it, too"], ["false", "is left out"], ["true", "alone is in it"]]} />
      <details>
        <summary>Fields: ${fields.length || "all"}</summary>
        <fieldset class="fields">
          <legend class="small">None means all of them.</legend>
          ${FIELDS.map(
            (name) => html`<${Toggle} key=${name} label=${name} value=${fields.includes(name)}
            set=${(isIn) => setFields(isIn ? [...fields, name] : fields.filter((one) => one !== name))} />`,
          )}
        </fieldset>
      </details>
      <${FailureNotice} failure=${making.failure} known=${["filter.tag", "filter.list"]} />
      <div class="actions">
        <${Button} act=${close}>Cancel<//>
        <${Button} kind="main" isBusy=${making.isBusy}>Export<//>
      </div>
    <//>
  <//>`;
}
