// @ts-check
/** What happened to a contact and what it did, how it is reached, and what endpoints were told of it. */

import { get, post } from "../../api.js";
import { Copy } from "../../elements/copy.js";
import { Deliveries, pauseOf } from "../../elements/delivery.js";
import { FormDialog } from "../../elements/dialog.js";
import { useMoving } from "../../elements/files.js";
import { More } from "../../elements/focus.js";
import { Button, Choice, TextField } from "../../elements/forms.js";
import { FailureNotice, Loading, say } from "../../elements/notices.js";
import { Section } from "../../elements/page.js";
import { Time } from "../../elements/shown.js";
import { TypedField, typedValue, Value } from "../../elements/values.js";
import { useAction, useList, useLoaded } from "../../loading.js";
import { href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { FACTS } from "./record.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */

/** By type of event: its words. @type {Record<string, string>} */
const WORDS = {
  "contact.created": "Created",
  "contact.updated": "Changed",
  "contact.unsubscribed": "Unsubscribed",
  "contact.resubscribed": "Subscribed again",
  "contact.deleted": "Moved to the trash",
  "contact.restored": "Restored",
  "contact.merged": "Merged with another contact",
  "contact.validated": "Email validated",
  "contact.event": "Events of your own",
};
const TYPES = /** @type {[string, string][]} */ ([["", "Everything"], ...Object.entries(WORDS)]);
const CHANGED = /** @type {Record<string, string>} */ ({
  ...FACTS,
  custom_fields: "Custom fields",
  metadata: "Metadata",
});
/** The timeline follows a change by a second or two. */
const FOLLOWS_AFTER_MS = 2_000;

/** @param {{record: ContactRecord}} properties */
export function Timeline({ record }) {
  const [type, setType] = useState("");
  const [isRecording, setRecording] = useState(false);
  const [recorded, setRecorded] = useState(0);
  const list = useList(`${record.path}/events`, { limit: 20, type });
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return undefined;
    }
    const timer = setTimeout(list.again, FOLLOWS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [record.contact.version, recorded]);
  const button =
    may("contacts:write") && html`<${Button} act=${() => setRecording(true)}>Record an event<//>`;
  return html`<${Section} title="Timeline" actions=${button}>
    <${Choice} label="Show" value=${type} set=${setType} choices=${TYPES} />
    ${list.isLoading && !list.rows.length && html`<${Loading} what="the timeline" />`}
    ${!list.isLoading && !list.failure && !list.rows.length && html`<p class="none">${list.more ? "None among the newest." : "Nothing in the last 90 days."}</p>`}
    <ol class="timeline">
      ${list.rows.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} />`)}
    </ol>
    <${FailureNotice} failure=${list.failure} again=${list.more ?? list.again} />
    <${More} list=${list} rows=".timeline > li" />
    ${
      isRecording &&
      html`<${NewEvent} path=${record.path} close=${() => setRecording(false)} done=${() => setRecorded(recorded + 1)} />`
    }
  <//>`;
}

/** @param {{entry: any}} properties */
const Entry = ({ entry }) => html`<li>
  <strong dir="auto">${entry.name ?? WORDS[entry.type] ?? entry.type}</strong>${" "}<span class="small"><${Time} at=${entry.timestamp} /></span>
  ${entry.changed && html`<div dir="auto">${entry.changed.map((/** @type {string} */ field) => CHANGED[field] ?? field).join(", ")}</div>`}
  ${entry.merged_id && html`<div>The other one was <code>${entry.merged_id}</code>.</div>`}
  ${entry.data && Object.keys(entry.data).length > 0 && html`<div><${Value} value=${entry.data} label="Data of the event" /></div>`}
</li>`;

/** @param {{path: string, close: () => void, done: () => void}} properties */
function NewEvent({ path, close, done }) {
  const [name, setName] = useState("");
  const [data, setData] = useState("");
  const recording = useAction(async () => {
    await post(`${path}/events`, { name, data: typedValue("object", data, "data") });
    close();
    done();
    say("Recorded. It is in the timeline in a moment.");
  });
  return html`<${FormDialog} title="Record an event" words="Record" send=${recording.act} close=${close} doing=${recording} known=${["name", "data"]}>
    <p>Something that this person did. Webhooks are told of it, too.</p>
    <${TextField} label="Name" value=${name} set=${setName} hint="As: order placed" wrong=${recording.failure?.of("name")} />
    <${TypedField} kind="object" label="Data (optional)" value=${data} set=${setData} wrong=${recording.failure?.of("data")}
      hint=${'A JSON object, as {"total": 12.5}'} />
  <//>`;
}

/** How a contact can be reached now. @param {{record: ContactRecord}} properties */
export function Reach({ record }) {
  // The conversation with a contact lists its gates.
  const chat = useLoaded(
    async (signal) => (await get(`${record.path}/chat`, {}, signal)).data,
    [record.path, record.etag],
  );
  return html`<${Section} title="Ways to reach">
    <${FailureNotice} failure=${chat.failure} again=${chat.again} />
    ${!chat.data && chat.isLoading && html`<${Loading} what="gates" />`}
    ${chat.data?.gates.length === 0 && html`<p class="none">None: no address, or the person has opted out of those there are.</p>`}
    <dl class="facts">
      ${chat.data?.gates.map(
        (/** @type {any} */ { id, identifier, channel: { name, type } }) => html`
          <dt key=${id} dir="auto">${name.toLowerCase() === type ? name : `${name} (${type})`}</dt>
          <dd dir="auto">${identifier}</dd>`,
      )}
      ${chat.data && html`<dt>Conversation</dt><dd><${Copy} text=${chat.data.id} what="the conversation's id" /></dd>`}
    </dl>
  <//>`;
}

/** What endpoints were sent about a contact. @param {{record: ContactRecord}} properties */
export function Told({ record }) {
  const path = may("webhooks:read") ? `${record.path}/deliveries` : null;
  const list = useMoving(useList(path, { limit: 10 }), `${path}`, pauseOf);
  if (!may("webhooks:read") || list.failure?.status === 404) return null;
  const empty = list.more
    ? html`<p class="none">None among the newest.</p>`
    : html`<p class="none">No <a href=${href("webhooks")}>webhook</a> was told of this contact in the last 30 days.</p>`;
  return html`<${Section} title="Told to webhooks"><${Deliveries} list=${list} isOfMany=${true} empty=${empty} /><//>`;
}
