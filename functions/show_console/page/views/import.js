// @ts-check
/** An import: its file on the way, what would come of it, how far it is, what came of it, and taking it back. */

import { get, part, post } from "../api.js";
import { Confirm } from "../elements/dialog.js";
import { Download, FileField, Progress } from "../elements/files.js";
import { useFocusAfter } from "../elements/focus.js";
import { Button, Form } from "../elements/forms.js";
import { FailureNotice, Loading, say } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { counted, Labels, moment, None, number, size, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useGo, useLoaded } from "../loading.js";
import { href } from "../routing.js";
import { may } from "../session.js";
import { useStore } from "../store.js";
import { beginUpload, endUpload, fileProblem, uploads } from "../uploads.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Columns } from "./import_columns.js";
import {
  Counts,
  done,
  hasEnded,
  isMoving,
  mayImport,
  OPTIONS,
  pauseOf,
  State,
  stateWords,
} from "./import_words.js";

const UNDO_MS = 7 * 86_400_000;
const FEW = 10;
/** What the API says to programs, for people. @type {Record<string, string>} */
const PROBLEMS = {
  mapping_needed: "No column is read as an email, or as your own id of a person. Say below which one is.",
};

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const path = `imports/${part(route.id ?? "")}`;
  const loaded = useLoaded(
    async (signal) => (await get(path, {}, signal)).data,
    [path],
    (one) => one && pauseOf(one),
  );
  const job = loaded.data;
  const before = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (job && before.current && isMoving(before.current) && !isMoving(job))
      say(`The import is ${stateWords(job)}.`);
    before.current = job;
  }, [job]);
  const under =
    job && html`<${State} job=${job} /> begun <${Time} at=${job.created_at} />, ${size(job.file.size)}`;
  return html`<${Page} title=${job?.file.name ?? "Import"} under=${under} actions=${html`<a class="button" href=${href("imports")}>All imports</a>`}>
    <${FailureNotice} failure=${loaded.failure} again=${loaded.again} />
    ${!job && loaded.isLoading && html`<${Loading} what="the import" />`}
    ${job && html`<${Job} job=${job} path=${path} set=${loaded.set} again=${loaded.again} />`}
  <//>`;
}

/** @param {{job: any, path: string, set: (job: any) => void, again: () => void}} properties */
function Job({ job, path, set, again }) {
  const [asks, setAsks] = useState("");
  const act = async () => {
    set((await post(`${path}/${asks}`)).data);
    if (asks === "cancel") endUpload(job.id);
  };
  useFocusAfter(`${job.state} ${job.undo?.state} ${asks}`, () => document.querySelector("h1"));
  const ask = (/** @type {string} */ what) =>
    mayImport() &&
    html`<${Button} kind="danger" act=${() => setAsks(what)}>${what === "undo" ? "Undo" : "Cancel"} the import<//>`;
  return html`
    ${job.problem && html`<div class="failure"><p dir="auto">${PROBLEMS[job.problem.code] ?? job.problem.detail}</p></div>`}
    ${job.state === "awaiting_upload" && html`<${Upload} job=${job} again=${again} cancel=${ask("cancel")} />`}
    ${["reading", "running", "paused"].includes(job.state) && html`<${Running} job=${job} cancel=${ask("cancel")} />`}
    ${job.state === "ready" && html`<${Ready} job=${job} path=${path} set=${set} cancel=${ask("cancel")} />`}
    ${hasEnded(job) && html`<${Result} job=${job} path=${path} undo=${ask("undo")} />`}
    <${Chosen} job=${job} />
    ${
      asks &&
      html`<${Confirm} title=${asks === "undo" ? "Undo this import?" : "Cancel this import?"} words=${asks === "undo" ? "Undo the import" : "Cancel the import"}
      isDanger back="Go back" act=${act} close=${() => setAsks("")}>
      ${
        asks === "undo"
          ? html`<ul>
            <li>Contacts that it created go to the trash.</li>
            <li>Contacts that it changed get their values back, but for what somebody has changed since.</li>
            <li>Nobody is subscribed again.</li>
          </ul>
          <p>An import can be undone once.</p>`
          : html`<p>${job.started_at ? "What it has written stays. You can undo it afterwards." : "It has written nothing."}</p>`
      }
    <//>`
    }
  `;
}

/** A file that is awaited, from here or from another tab. @param {{job: any, again: () => void, cancel: any}} properties */
function Upload({ job, again, cancel }) {
  const upload = useStore(uploads).get(job.id);
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (upload?.state === "sent") again();
  }, [upload?.state]);
  if (upload && upload.state !== "failed") {
    const isSent = upload.state === "sent";
    return html`<${Section} title="The file is being sent" actions=${cancel}>
      <${Progress} label=${isSent ? "It has arrived, and is read in a moment" : "Sent"} value=${isSent ? null : upload.sent / upload.file.size}>
        ${upload.words || "You may look at other pages meanwhile. Keep this tab open."}
      <//>
    <//>`;
  }
  const isOther = file && file.size !== job.file.size;
  const problem = isOther
    ? `This file has ${counted(file.size, "byte")}, and ${number(job.file.size)} were announced. Choose that file, or cancel this import.`
    : fileProblem(file);
  const send = () => (setAsked(true), file && !problem && beginUpload(job.id, file));
  return html`<${Section} title="The file has not come yet" actions=${cancel}>
    ${
      upload &&
      html`<div class="failure" role="alert"><p dir="auto">${upload.words}</p>
      <${Button} act=${() => beginUpload(job.id, upload.file)}>Send it again<//></div>`
    }
    ${!job.upload && html`<p>This key may not send it.</p>`}
    ${
      job.upload &&
      html`<${Form} send=${send}>
      <p>If another tab is sending it, wait. Else send it from here: <strong dir="auto">${job.file.name}</strong>, ${counted(job.file.size, "byte")}.</p>
      <${FileField} label="Drop the file here, or choose it" set=${setFile} wrong=${file || isAsked ? problem : ""} />
      <${Button} kind="main">Send the file<//>
    <//>`
    }
  <//>`;
}

/** @param {{job: any, cancel: any}} properties */
function Running({ job, cancel }) {
  const { state, counts } = job;
  const isReading = state === "reading";
  return html`<${Section} title=${`The import is ${stateWords(job)}`} actions=${cancel}>
    <${Progress} label=${isReading ? "Read and checked" : "Carried out"} value=${job.progress}>
      ${counts.rows > 0 && `${number(done(job))} of ${counted(counts.rows, "row")}. `}
      ${state === "running" && done(job) > 0 && html`${number(Math.round(job.rows_per_second))} a second, ends <${Time} at=${job.expected_end} />. `}
      It goes on without this page.
    <//>
    ${state === "paused" && html`<p>The account has used up its written items of this hour, or its writes are switched off. The import goes on by itself, at the latest with the next hour.</p>`}
    ${!isReading && html`<${Counts} job=${job} />`}
  <//>`;
}

/** It waits for a decision. @param {{job: any, path: string, set: (job: any) => void, cancel: any}} properties */
function Ready({ job, path, set, cancel }) {
  const [changes, setChanges] = useState(/** @type {import("./import_columns.js").Mapping} */ ({}));
  const known = useLoaded(
    async (signal) =>
      may("properties:read") ? (await get("contact-properties", { limit: 500 }, signal)).data.data : [],
    [],
  );
  const file = useStore(uploads).get(job.id)?.file;
  const isChanged = Object.entries(changes).some(([column, target]) => target !== job.mapping[column]);
  const mapping = { ...job.mapping, ...changes };
  const go = useGo();
  const { act, isBusy, failure } = useAction(async (/** @type {boolean} */ isCheck) => {
    if (!isCheck) return set((await post(`${path}/start`, isChanged ? { mapping } : {})).data);
    // A check is of one mapping: the same file becomes another import.
    const { name: file_name, size: bytes } = job.file;
    const { data } = await post("imports", {
      ...job.options,
      mode: job.mode,
      mapping,
      file_name,
      size: bytes,
    });
    beginUpload(data.id, /** @type {File} */ (file));
    // Where it is not cancelled it is left over, and harms nobody.
    await post(`${path}/cancel`).catch(() => {});
    endUpload(job.id);
    return go(href(`import/${data.id}`), { replace: true });
  });
  const mayCheck = isChanged && file && job.options.dry_run;
  const { contacts = [], errors = [] } = job.preview ?? {};
  const buttons =
    mayImport() &&
    html`<div class="actions">
    ${mayCheck && html`<${Button} kind="main" act=${() => act(true)} isBusy=${isBusy}>Check again<//>`}
    <${Button} kind=${mayCheck ? "" : "main"} act=${() => act(false)} isBusy=${isBusy}>Import ${counted(job.counts.rows, "row")}<//>
    ${cancel}
  </div>`;
  return html`
    ${!job.problem && html`<${Section} title="What would happen"><${Counts} job=${job} /><p>Nothing has been changed yet.</p>${buttons}<//>`}
    <${Section} title="Columns">
      <${Columns} mapping=${job.mapping} changes=${changes} set=${mayImport() ? setChanges : undefined} properties=${known.data} contacts=${contacts} failure=${failure} />
      ${isChanged && !job.problem && html`<p role="status">You have changed how columns are read. What this page shows was checked before that.</p>`}
      <${FailureNotice} failure=${failure} known=${Object.keys(mapping).map((column) => `mapping.${column}`)} />
      ${buttons}
    <//>
    <${Few} title="Rows that would fail" rows=${errors} columns=${ERROR_COLUMNS} id=${(one) => `${one.line} ${one.field} ${one.reason}`}>
      ${job.counts.failed > errors.length && html`<p>These are the first ones.</p>`}
    <//>
    <${Few} title="The first contacts, as they would be" rows=${contacts} columns=${CONTACT_COLUMNS} id=${(one) => one.id} />
  `;
}

/**
 * Rows of a preview, a few of them at first.
 *
 * @param {{title: string, rows: any[], columns: AnyColumns, id: (row: any) => string, children?: any}} properties
 */
function Few({ title, rows, columns, id, children }) {
  const [isAll, setAll] = useState(rows.length <= FEW);
  if (!rows.length) return null;
  const list = {
    rows: isAll ? rows : rows.slice(0, FEW),
    more: isAll ? null : () => setAll(true),
    answer: null,
    failure: null,
    isLoading: false,
    again: () => {},
  };
  return html`<${Section} title=${title}>${children}<${Table} caption=${title} list=${list} columns=${columns} id=${id} /><//>`;
}

/** @param {string | null} value */
const text = (value) => (value ? html`<span dir="auto">${value}</span>` : html`<${None} />`);
/** @typedef {import("../elements/table.js").Column<any>[]} AnyColumns */
/** @type {AnyColumns} */
const ERROR_COLUMNS = [
  { title: "Line", kind: "number", cell: (one) => number(one.line) },
  {
    title: "What is wrong",
    cell: ({ field, reason }) =>
      html`<span dir="auto">${field && html`<code>${field}</code>: `}${reason}</span>`,
  },
];
/** @type {AnyColumns} */
const CONTACT_COLUMNS = [
  { title: "Name", isHead: true, cell: (one) => text(one.name) },
  { title: "Email or id", cell: (one) => text(one.email ?? one.external_id) },
  { title: "Phone", kind: "wide", cell: (one) => text(one.phone) },
  {
    title: "Tags and lists",
    kind: "wide",
    cell: (one) => html`<${Labels} names=${[...one.tags, ...one.lists]} most=${8} />`,
  },
  { title: "Opted out", cell: (one) => (one.is_unsubscribed ? "yes" : "no") },
];

/** @param {{job: any, path: string, undo: any}} properties */
function Result({ job, path, undo }) {
  const { counts } = job;
  const until = Date.parse(job.started_at) + UNDO_MS;
  const hasWritten =
    job.started_at && (job.state === "cancelled" || counts.created + counts.updated + counts.protected > 0);
  const mayUndo = undo && !job.undo && hasWritten && Date.now() < until;
  return html`
    ${
      job.undo &&
      html`<${Section} title=${`The import is ${stateWords(job)}`}>
      ${job.undo.state === "running" && html`<${Progress} label="Taken back" value=${null} />`}
      <p>${counted(job.undo.trashed, "contact")} in the trash, ${number(job.undo.restored)} with their values from before,${" "}
        ${number(job.undo.kept)} kept because somebody has changed them since.</p>
    <//>`
    }
    ${
      counts.rows > 0 &&
      html`<${Section} title="Result" actions=${mayUndo && undo}>
      <${Counts} job=${job} />
      ${
        counts.failed > 0 &&
        html`<p>The rows that failed are a file of their own, with the reasons. Mend it there, and import that file.</p>
        <div class="actions"><${Download} path=${`${path}/errors`} gone="There is no file. Of a cancelled import it is made within a minute; it is kept for seven days, or until a person is erased.">Download the rows that failed<//></div>`
      }
      ${mayUndo && html`<p class="small">It can be undone until ${moment(until)}.</p>`}
    <//>`
    }
  `;
}

/** What was chosen, and what the file was taken for. @param {{job: any}} properties */
function Chosen({ job }) {
  const { file, options } = job;
  const found = [
    file.format,
    file.is_gzipped && "gzipped",
    file.encoding,
    file.delimiter && JSON.stringify(file.delimiter),
  ];
  const chosen = { ...options, mode: job.mode };
  // Of one that is ready they are shown above.
  const mapping = job.state !== "ready" && file.format && job.mapping;
  return html`<details class="section">
    <summary>Options${mapping && " and columns"}</summary>
    <dl class="facts">
      <dt>File read as</dt><dd>${found.filter(Boolean).join(", ")}</dd>
      ${OPTIONS.map(({ name, label, choices }) => html`<dt>${label}</dt><dd>${choices.find(([one]) => one === chosen[name])?.[1]}</dd>`)}
      <dt>Trash</dt><dd>${options.restore_trashed ? "Contacts are brought back." : "Rows of its contacts are skipped."}</dd>
      <dt>Tags and lists added</dt><dd><${Labels} names=${[...options.add_tags, ...options.add_lists]} /></dd>
      <dt>Id</dt><dd><code>${job.id}</code></dd>
    </dl>
    ${mapping && html`<${Columns} mapping=${mapping} />`}
  </details>`;
}
