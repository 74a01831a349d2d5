// @ts-check
/** An endpoint of webhooks: its state in words, its secret, and the form for what can be changed of it. */

import { useAction } from "../loading.js";
import { html, useState } from "../vendor/preact.js";
import { Copy } from "./copy.js";
import { EVENTS, EVERYTHING, eventWords, ONLY_BY_NAME } from "./events.js";
import { Button, Form, TextField, Toggle, useId } from "./forms.js";
import { FailureNotice } from "./notices.js";
import { Badge } from "./shown.js";

/**
 * @typedef {{id: string, url: string, events: string[], description: string | null, is_active: boolean,
 *   disabled_reason: string | null, created_at: string}} Webhook
 */

/** Why the API has switched an endpoint off. */
const REASONS = /** @type {Record<string, string>} */ ({
  gone: "switched off by us: it answered 410, which says that it wants nothing more",
  failing: "switched off by us: it failed for five days without a success",
});

/** Whether it is told of events, and if not, why. @param {{webhook: Webhook}} properties */
export function State({ webhook: { is_active, disabled_reason } }) {
  if (is_active) return html`<${Badge} kind="good">Active<//>`;
  const why = disabled_reason
    ? (REASONS[disabled_reason] ?? `switched off by us: ${disabled_reason}`)
    : "switched off by you";
  return html`<span><${Badge} kind=${disabled_reason ? "bad" : ""}>Off<//>${" "}${why}</span>`;
}

/** A secret, and what it is for. @param {{secret: string}} properties */
export const Secret = ({ secret }) => html`
  <p><strong>This is the only time that it is shown.</strong> Give it to your receiver: with it your receiver verifies that
    what arrives was sent by us, and was not changed on its way. Keep it like a password.</p>
  <p><${Copy} text=${secret} what="the secret" /></p>
`;

/**
 * URL, events and description of an endpoint.
 *
 * @param {object} properties
 * @param {Webhook} [properties.webhook] Which is changed; else a new one.
 * @param {string} properties.words Of the button.
 * @param {(fields: Pick<Webhook, "url" | "events" | "description">) => Promise<unknown>} properties.send
 * @param {() => void} [properties.cancel]
 */
export function EndpointForm({ webhook, words, send, cancel }) {
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [events, setEvents] = useState(webhook?.events ?? [EVERYTHING]);
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [isEmpty, setEmpty] = useState(false);
  const sending = useAction(() => send({ url: url.trim(), events, description: description.trim() || null }));
  const wrong = (/** @type {string} */ field) => sending.failure?.of(field) ?? "";
  return html`<${Form} send=${() => (events.length ? sending.act() : setEmpty(true))}>
    <${TextField} label="URL" value=${url} set=${setUrl} inputmode="url" autocomplete="off" spellcheck=${false} dir="ltr"
      hint="Where events are sent to. It begins with https:// and has a public address." wrong=${wrong("url")} />
    <${EventsField} value=${events} set=${setEvents} wrong=${isEmpty && !events.length ? "Choose at least one." : wrong("events")} />
    <${TextField} label="Description" value=${description} set=${setDescription} hint="For you. It may stay empty."
      wrong=${wrong("description")} />
    <${FailureNotice} failure=${sending.failure} known=${["url", "events", "description"]} />
    <div class="actions">
      <${Button} kind="main" isBusy=${sending.isBusy}>${words}<//>
      ${cancel && html`<${Button} act=${cancel} disabled=${sending.isBusy}>Cancel<//>`}
    </div>
  <//>`;
}

/** What an endpoint is told of. @param {{value: string[], set: (value: string[]) => void, wrong: string}} properties */
function EventsField({ value, set, wrong }) {
  const id = useId();
  const isAll = value.includes(EVERYTHING);
  // Types that are newer than this page stay.
  const types = [...new Set([...Object.keys(EVENTS), ...value])].filter((type) => type !== EVERYTHING);
  const chosen = (/** @type {string} */ type) => html`<${Toggle} key=${type} value=${value.includes(type)}
    label=${`${eventWords(type)} (${type})`}
    set=${(/** @type {boolean} */ isOn) => set(isOn ? [...value, type] : value.filter((one) => one !== type))} />`;
  const toggleAll = (/** @type {boolean} */ isOn) =>
    set([...(isOn ? [EVERYTHING] : []), ...value.filter((type) => ONLY_BY_NAME.includes(type))]);
  return html`<fieldset class="field" aria-describedby=${wrong ? `${id}-wrong` : undefined}>
    <legend>Events</legend>
    <div><${Toggle} label="Everything but verdicts, also types that will be added" value=${isAll} set=${toggleAll} /></div>
    <div class="choices">
      ${!isAll && types.filter((type) => !ONLY_BY_NAME.includes(type)).map(chosen)}
      ${ONLY_BY_NAME.map(chosen)}
    </div>
    <p class="hint">Nearly every new contact gets a verdict on its email within seconds. So verdicts are sent only where they are asked for.</p>
    ${wrong && html`<p class="wrong" id=${`${id}-wrong`}>${wrong}</p>`}
  </fieldset>`;
}
