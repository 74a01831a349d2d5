// @ts-check
/** What happened to a contact and what it did, how it is reached, and what endpoints were told of it. */

import { get, post } from "../../api.js";
import { Copyable } from "../../elements/copy.js";
import { Dialog } from "../../elements/dialog.js";
import { Button, Choice, Form, TextField } from "../../elements/forms.js";
import { JsonValue } from "../../elements/json_value.js";
import { Empty, FailureNotice, Loading, say } from "../../elements/notices.js";
import { Section } from "../../elements/page.js";
import { Badge, counted, Time } from "../../elements/shown.js";
import { Table } from "../../elements/table.js";
import { TypedField, valueOf } from "../../elements/typed_field.js";
import { useAction, useList, useLoaded } from "../../loading.js";
import { href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";

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
  "contact.event": "Event of your own",
};
const TYPES = /** @type {[string, string][]} */ ([["", "Everything"], ...Object.entries(WORDS)]);
/** The timeline follows a change by a second or two. */
const FOLLOWS_AFTER_MS = 2_000;

/** @param {{record: ContactRecord}} properties */
export function Timeline({ record }) {
  const [type, setType] = useState("");
  const [isRecording, setRecording] = useState(false);
  const list = useList(`${record.path}/events`, { limit: 20, type });
  const again = useRef(list.again);
  again.current = list.again;
  const timer = useRef(0);
  const lookAgain = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => again.current(), FOLLOWS_AFTER_MS);
  };
  const seen = useRef(record.etag);
  useEffect(() => {
    if (seen.current !== record.etag) lookAgain();
    seen.current = record.etag;
  }, [record.etag]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const record_button =
    may("contacts:write") && html`<${Button} act=${() => setRecording(true)}>Record an event<//>`;
  return html`<${Section} title="Timeline" actions=${record_button}>
    <${Choice} label="Show" value=${type} set=${setType} choices=${TYPES} />
    ${list.isLoading && !list.rows.length && html`<${Loading} what="the timeline" />`}
    ${
      !list.isLoading &&
      !list.failure &&
      !list.rows.length &&
      html`<${Empty} title="Nothing here"><p>Entries stay for 90 days.</p><//>`
    }
    <ol class="timeline">
      ${list.rows.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} />`)}
    </ol>
    <${FailureNotice} failure=${list.failure} again=${list.more ?? list.again} />
    ${list.more && html`<${Button} act=${list.more}>Show more<//>`}
    ${isRecording && html`<${NewEvent} record=${record} close=${() => (setRecording(false), lookAgain())} />`}
  <//>`;
}

/** @param {{entry: any}} properties */
const Entry = ({ entry }) => html`<li>
  <strong dir="auto">${entry.name ?? WORDS[entry.type] ?? entry.type}</strong>${" "}<span class="small"><${Time} at=${entry.timestamp} /></span>
  ${entry.changed?.length > 0 && html`<div dir="auto">${entry.changed.join(", ")}</div>`}
  ${entry.merged_id && html`<div>It was <code>${entry.merged_id}</code>.</div>`}
  ${entry.data && Object.keys(entry.data).length > 0 && html`<${JsonValue} value=${entry.data} label="Data of the event" />`}
</li>`;

/** @param {{record: ContactRecord, close: () => void}} properties */
function NewEvent({ record, close }) {
  const [name, setName] = useState("");
  const [data, setData] = useState("");
  const recording = useAction(async () => {
    await post(`${record.path}/events`, { name, data: valueOf("object", data, "data") });
    say("Recorded. It is in the timeline in a moment.");
    close();
  });
  return html`<${Dialog} title="Record an event" close=${close}>
    <${Form} send=${recording.act}>
      <p>Something that this person did. Webhooks are told of it, too.</p>
      <${TextField} label="Name" value=${name} set=${setName} hint="As: order placed" wrong=${recording.failure?.of("name")} />
      <${TypedField} kind="object" label="Data (optional)" value=${data} set=${setData} wrong=${recording.failure?.of("data")}
        hint=${'A JSON object, as {"total": 12.5}'} />
      <${FailureNotice} failure=${recording.failure} known=${["name", "data"]} />
      <div class="actions">
        <${Button} act=${close}>Cancel<//>
        <${Button} kind="main" isBusy=${recording.isBusy}>Record<//>
      </div>
    <//>
  <//>`;
}

/** How a contact can be reached now. @param {{record: ContactRecord}} properties */
export function Reach({ record }) {
  // The conversation with a contact lists its gates.
  const chat = useLoaded(
    async (signal) => (await get(`${record.path}/chat`, {}, signal)).data,
    [record.path, record.etag],
  );
  const gates = chat.data?.gates ?? [];
  return html`<${Section} title="Ways to reach">
    ${chat.failure && html`<${FailureNotice} failure=${chat.failure} again=${chat.again} />`}
    ${!chat.data && chat.isLoading && html`<${Loading} what="gates" />`}
    ${chat.data && !gates.length && html`<p class="none">None: no address, or the person has opted out of those there are.</p>`}
    <dl class="facts">
      ${gates.map(
        (/** @type {any} */ gate) => html`<dt dir="auto">${channelOf(gate)}</dt>
          <dd dir="auto">${gate.identifier}</dd>`,
      )}
      ${chat.data && html`<dt>Conversation</dt><dd><${Copyable} text=${chat.data.id} what="the conversation's id" /></dd>`}
    </dl>
  <//>`;
}

/** @param {{channel: {name: string, type: string}}} gate */
const channelOf = ({ channel: { name, type } }) => (name.toLowerCase() === type ? name : `${name} (${type})`);

/** @type {Record<string, "good" | "bad" | "busy">} */
const STATUSES = { delivered: "good", failed: "bad", pending: "busy" };

/** @type {import("../../elements/table.js").Column<any>[]} */
const DELIVERY_COLUMNS = [
  {
    title: "Event",
    isHead: true,
    cell: (one) =>
      html`<a href=${href(`webhook/${one.webhook_id}`)}>${WORDS[one.event_type] ?? one.event_type}</a>`,
  },
  { title: "Status", cell: (one) => html`<${Badge} kind=${STATUSES[one.status]}>${one.status}<//>` },
  {
    title: "Attempts",
    cell: (one) => `${counted(one.attempts.length, "attempt")}${lastAnswer(one.attempts)}`,
  },
  { title: "When", cell: (one) => html`<${Time} at=${one.created_at} />` },
];

/** @param {{status_code: number | null, error: string | null}[]} attempts */
function lastAnswer(attempts) {
  const last = attempts.at(-1);
  return last ? `, last: ${last.status_code ?? last.error}` : "";
}

/** What endpoints were sent about a contact. @param {{record: ContactRecord}} properties */
export function Deliveries({ record }) {
  const list = useList(may("webhooks:read") ? `${record.path}/deliveries` : null, { limit: 10 });
  if (!may("webhooks:read") || list.failure?.status === 404) return null;
  return html`<${Section} title="Told to webhooks">
    <${Table} caption="Deliveries" columns=${DELIVERY_COLUMNS} list=${list} id=${(/** @type {any} */ one) => one.id}
      empty=${html`<p class="none">No endpoint was sent anything about this contact in the last 30 days.</p>`} />
  <//>`;
}
