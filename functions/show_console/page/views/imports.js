// @ts-check
/** The imports of the last 38 days. */

import { useMoving } from "../elements/files.js";
import { Empty } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { None, number, size, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useList } from "../loading.js";
import { href } from "../routing.js";
import { html } from "../vendor/preact.js";
import { mayImport, pauseOf, State, summary } from "./import_words.js";

/** @type {import("../elements/table.js").Column<any>[]} */
const COLUMNS = [
  {
    title: "File",
    isHead: true,
    kind: "text",
    cell: (job) => html`<a href=${href(`import/${job.id}`)} dir="auto">${job.file.name}</a>`,
  },
  {
    title: "State",
    cell: (job) => html`<${State} job=${job} /><div class="small">${job.started_at && summary(job)}</div>`,
  },
  {
    title: "Rows",
    kind: "number wide",
    cell: (job) => (job.counts.rows ? number(job.counts.rows) : html`<${None} />`),
  },
  { title: "Size", kind: "number wide", cell: (job) => size(job.file.size) },
  { title: "Begun", kind: "wide", cell: (job) => html`<${Time} at=${job.created_at} />` },
];

export function View() {
  const list = useMoving(useList("imports"), "imports", pauseOf);
  const action = mayImport() && html`<a class="button main" href=${href("imports/new")}>Import a file</a>`;
  const empty = html`<${Empty} title="No file was imported in the last 38 days.">
    <p>An import takes contacts from a spreadsheet or another product. It shows first what would happen, and can be undone for a week.</p>
    ${action}
  <//>`;
  return html`<${Page} title="Imports" actions=${list.rows.length > 0 && action}>
    <${Table} caption="Imports" columns=${COLUMNS} list=${list} id=${(job) => job.id} empty=${empty} />
  <//>`;
}
