// @ts-check
/** An export: how far it is, and its file. */

import { get, part } from "../api.js";
import { Progress, pauseSince } from "../elements/jobs.js";
import { FailureNotice, Loading } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { counted, number, Time } from "../elements/shown.js";
import { useLoaded } from "../loading.js";
import { href } from "../routing.js";
import { html } from "../vendor/preact.js";
import { ExportFile, fileWords, isRunning, State } from "./exports.js";

const ENDS = /** @type {Record<string, string>} */ ({
  failed: "It could not be finished within 24 hours. Begin another one.",
  expired:
    "The file is gone: it was kept for 24 hours, or a person was erased who may be in it. Begin another one.",
});

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const {
    data: job,
    failure,
    isLoading,
    again,
  } = useLoaded(
    async (signal) => (await get(`exports/${part(route.id ?? "")}`, {}, signal)).data,
    [route.id],
    (one) => (one && isRunning(one) ? pauseSince(one.created_at) : null),
  );
  const under = job && html`<${State} job=${job} /> begun <${Time} at=${job.created_at} />`;
  return html`<${Page} title="Export" under=${under} actions=${html`<a class="button" href=${href("exports")}>All exports</a>`}>
    <${FailureNotice} failure=${failure} again=${again} />
    ${!job && isLoading && html`<${Loading} what="the export" />`}
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
