// @ts-check
/** The exports of the last 30 days, a form for another, and the page of each. */

import { get, part, post } from "../api.js";
import { FormDialog } from "../elements/dialog.js";
import { Download, FORMATS, Progress, pauseNear, useMoving, useShowExport } from "../elements/files.js";
import { Button, Choice, Toggle } from "../elements/forms.js";
import { LabelSet } from "../elements/labels_editor.js";
import { Empty, FailureNotice, Loading } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { Badge, counted, number, size, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useList, useLoaded } from "../loading.js";
import { href } from "../routing.js";
import { may } from "../session.js";
import { html, useState } from "../vendor/preact.js";

/** @type {Record<string, "busy" | "good" | "bad">} */
const KINDS = { running: "busy", completed: "good", failed: "bad" };
/** @type {Record<string, string>} */
const ENDS = {
  failed: "It could not be finished within 24 hours.",
  expired: "The file is gone: it was kept for 24 hours, or a person was erased who may be in it.",
};

/** @param {{job: any}} properties */
const State = ({ job }) => html`<${Badge} kind=${KINDS[job.state]}>${job.state}<//>`;

/** A button where there is a file. @param {{job: any}} properties */
const ExportFile = ({ job }) =>
  job.state === "completed" && may("contacts:read")
    ? html`<${Download} path=${`exports/${part(job.id)}`} gone="The file is gone.">Download<//>`
    : null;

/** @param {any} job */
const isRunning = (job) => job.state === "running";

/** @param {any} job */
const pauseOf = (job) => (isRunning(job) ? pauseNear(job.created_at) : null);

/** @param {any} job */
const fileWords = ({ format, gzip, bytes }) =>
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
  const list = useMoving(useList("exports"), "exports", pauseOf);
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

const FIELDS =
  "email external_id first_name last_name name phone tags lists custom_fields metadata is_active is_unsubscribed unsubscribed_at validation_status validation_reason id version created_at updated_at".split(
    " ",
  );

/** @param {{close: () => void}} properties */
function NewExport({ close }) {
  const [format, setFormat] = useState("csv");
  const [gzip, setGzip] = useState(false);
  const [tag, setTag] = useState(/** @type {string[]} */ ([]));
  const [list, setList] = useState(/** @type {string[]} */ ([]));
  const [optedOut, setOptedOut] = useState("");
  const [fields, setFields] = useState(/** @type {string[]} */ ([]));
  const showExport = useShowExport();
  const making = useAction(async () => {
    const chosen = Object.entries({ tag, list, is_unsubscribed: optedOut });
    const filter = Object.fromEntries(chosen.filter(([, one]) => one.length));
    const { data } = await post("exports", { format, gzip, filter, fields: fields.length ? fields : null });
    close();
    showExport(data);
  });
  const wrong = (/** @type {string} */ field) => making.failure?.of(field);
  return html`<${FormDialog} title="Export contacts" words="Export" send=${making.act} close=${close} doing=${making} known=${["filter.tag", "filter.list"]}>
    <${Choice} label="Format" value=${format} set=${setFormat} choices=${FORMATS} />
    <${Toggle} label="Compressed with gzip" value=${gzip} set=${setGzip} />
    <${LabelSet} what="tag" legend="Only who has all of these tags" value=${tag} set=${setTag} wrong=${wrong("filter.tag")} />
    <${LabelSet} what="list" legend="Only who is on all of these lists" value=${list} set=${setList} wrong=${wrong("filter.list")} />
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
  <//>`;
}

/** One export: how far it is, and its file. @param {{route: import("../routing.js").Route}} properties */
export function One({ route }) {
  const path = `exports/${part(route.id ?? "")}`;
  const loaded = useLoaded(
    async (signal) => (await get(path, {}, signal)).data,
    [path],
    (one) => one && pauseOf(one),
  );
  const job = loaded.data;
  const under = job && html`<${State} job=${job} /> begun <${Time} at=${job.created_at} />`;
  return html`<${Page} title="Export" under=${under} actions=${html`<a class="button" href=${href("exports")}>All exports</a>`}>
    <${FailureNotice} failure=${loaded.failure} again=${loaded.again} />
    ${!job && loaded.isLoading && html`<${Loading} what="the export" />`}
    ${
      job &&
      html`<${Section} title="The file" actions=${html`<${ExportFile} job=${job} />`}>
      ${isRunning(job) && html`<${Progress} label="Contacts are being written" value=${job.progress}>${counted(job.rows, "contact")} so far. It goes on without this page.<//>`}
      ${ENDS[job.state] && html`<p>${ENDS[job.state]}</p>`}
      <dl class="facts">
        <dt>Contacts</dt><dd>${number(job.rows)}</dd>
        <dt>File</dt><dd>${fileWords(job)}</dd>
        ${job.expires_at && html`<dt>Kept until</dt><dd><${Time} at=${job.expires_at} /></dd>`}
        <dt>Id</dt><dd><code>${job.id}</code></dd>
      </dl>
    <//>`
    }
  <//>`;
}
