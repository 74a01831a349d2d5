// @ts-check
/** Deliveries: which event went to which endpoint, what the endpoint answered, and a button that sends it again. */

import { get, part, post } from "../api.js";
import { useAction, useLoaded } from "../loading.js";
import { href } from "../routing.js";
import { may } from "../session.js";
import { html } from "../vendor/preact.js";
import { Copy } from "./copy.js";
import { EventType, eventWords } from "./events.js";
import { pauseNear } from "./files.js";
import { More } from "./focus.js";
import { Button } from "./forms.js";
import { FailureNotice, Loading, say } from "./notices.js";
import { Badge, moment, number, Time } from "./shown.js";

/**
 * @typedef {{at: string, status_code: number | null, error: string | null, duration_ms: number, response: string | null}} Attempt
 */
/**
 * @typedef {{id: string, webhook_id: string, event_id: string, event_type: string, status: string, created_at: string,
 *   next_attempt_at: string | null, attempts: Attempt[]}} Delivery
 */

/** By status: its colour, its sign, its word. */
export const STATUSES =
  /** @type {Record<string, {kind: "good" | "bad" | "busy" | "", sign: string, words: string}>} */ ({
    pending: { kind: "busy", sign: "…", words: "Pending" },
    delivered: { kind: "good", sign: "✓", words: "Delivered" },
    failed: { kind: "bad", sign: "✕", words: "Failed" },
    erased: { kind: "", sign: "–", words: "Erased" },
  });
/** The API sends a delivery no more often than that. */
const MOST_ATTEMPTS = 100;

/** @param {Delivery} delivery */
const statusOf = ({ status }) => STATUSES[status] ?? { kind: "", sign: "?", words: status };

/** @param {Attempt} attempt */
const isAccepted = ({ status_code }) => status_code !== null && status_code >= 200 && status_code < 300;

/** What came of an attempt, in a few words. @param {Attempt} attempt */
export const resultOf = ({ status_code, error }) =>
  [status_code, error].filter(Boolean).join(", ") || "no answer";

/** As much of a URL as names an endpoint; the API takes URLs of 2,048 characters. @param {string} url */
export const brief = (url) => (url.length > 80 ? `${url.slice(0, 79)}…` : url);

/** A delivery as a square that tells by colour, sign and words, which are shown on hovering. @param {Delivery} delivery */
export function squareOf(delivery) {
  const { kind, sign, words } = statusOf(delivery);
  const { id, event_type, created_at, attempts } = delivery;
  const said = `${words}: ${[eventWords(event_type), ...attempts.slice(-1).map(resultOf), moment(created_at)].join(", ")}`;
  return html`<li key=${id} class=${kind} title=${said}>
    <span aria-hidden="true">${sign}</span><span class="hidden">${said}</span>
  </li>`;
}

/**
 * A list of deliveries. Each opens to its attempts.
 *
 * @param {object} properties
 * @param {import("../loading.js").Listed<Delivery>} properties.list
 * @param {any} [properties.empty] What is shown where there is none.
 * @param {boolean} [properties.isOfMany] They went to several endpoints: each says to which one.
 * @param {boolean} [properties.isOff] The endpoint is switched off: nothing is sent again.
 */
export function Deliveries({ list, empty, isOfMany = false, isOff = false }) {
  const { rows, failure, isLoading, more, again } = list;
  const webhooks = useLoaded(
    async (signal) => (isOfMany && rows.length ? (await get("webhooks", {}, signal)).data.data : []),
    [isOfMany && rows.length > 0],
  );
  if (!rows.length && isLoading && !more) return html`<${Loading} what="deliveries" />`;
  return html`
    ${!rows.length && !failure && (empty ?? html`<p class="none">Nothing was sent.</p>`)}
    <ul class="deliveries">
      ${rows.map((delivery) => {
        const webhook = webhooks.data?.find((/** @type {any} */ one) => one.id === delivery.webhook_id);
        return html`<${DeliveryRow} key=${delivery.id} delivery=${delivery} changed=${again}
          endpoint=${isOfMany ? (webhook?.url ?? delivery.webhook_id) : undefined}
          isOff=${isOff || webhook?.is_active === false} />`;
      })}
    </ul>
    <${FailureNotice} failure=${failure} again=${more ?? again} />
    <${More} list=${list} rows=".deliveries > li" />
  `;
}

/**
 * A delivery as an item of a list: what it tells of and how it went; open, everything about it.
 *
 * @param {object} properties
 * @param {Delivery} properties.delivery
 * @param {() => void} properties.changed Called when it is sent again.
 * @param {string} [properties.endpoint] Where it went, if that has to be said.
 * @param {boolean} [properties.isOff] Its endpoint is switched off.
 */
export function DeliveryRow({ delivery, changed, endpoint, isOff = false }) {
  const sending = useAction(async () => {
    await sendAgain(delivery);
    say("It is sent again now.");
    changed();
  });
  const { kind, words } = statusOf(delivery);
  const { attempts, event_type, next_attempt_at } = delivery;
  const isTest = event_type === "webhook.test";
  const mayGo =
    may("webhooks:write") &&
    delivery.status !== "erased" &&
    attempts.length < MOST_ATTEMPTS &&
    (isTest || !isOff);
  const last = attempts.at(-1);
  return html`<li>
    <details>
      <summary>
        <${Badge} kind=${kind}>${words}<//>
        <strong><${EventType} type=${event_type} /></strong>
        ${endpoint && html`<span class="to" dir="ltr">${brief(endpoint)}</span>`}
        ${last && !isAccepted(last) && html`<span class="why">${resultOf(last)}</span>`}
        ${next_attempt_at && html`<span class="next"><${Next} at=${next_attempt_at} /></span>`}
        <span class="when"><${Time} at=${delivery.created_at} /></span>
      </summary>
      <dl class="facts">
        ${endpoint && html`<dt>Endpoint</dt><dd><a href=${href(`webhook/${part(delivery.webhook_id)}`)} dir="ltr">${endpoint}</a></dd>`}
        <dt>Event</dt><dd><code>${event_type}</code>${" "}<${Copy} text=${delivery.event_id} what="the event's id" /></dd>
      </dl>
      <${Attempts} attempts=${attempts} />
      ${mayGo && html`<p><${Button} act=${sending.act} isBusy=${sending.isBusy}>${delivery.status === "pending" ? "Send now" : "Send again"}<//></p>`}
      <${FailureNotice} failure=${sending.failure} />
    </details>
  </li>`;
}

/** When the next attempt is made. @param {{at: string}} properties */
const Next = ({ at }) =>
  Date.parse(at) > Date.now() ? html`next attempt${" "}<${Time} at=${at} />` : "being sent now";

/** @param {Delivery} delivery */
export const sendAgain = ({ webhook_id, id }) =>
  post(`webhooks/${part(webhook_id)}/deliveries/${part(id)}/redeliver`);

/** The attempts at a delivery, the first one first. @param {{attempts: Attempt[]}} properties */
export function Attempts({ attempts }) {
  if (!attempts.length) return html`<p class="none">No attempt has ended yet.</p>`;
  return html`<ol class="attempts" aria-label="Attempts">
    ${attempts.map(
      (attempt, place) => html`<li key=${place}>
        <${Badge} kind=${isAccepted(attempt) ? "good" : "bad"}>${resultOf(attempt)}<//>
        ${" "}<${Time} at=${attempt.at} />, took ${number(attempt.duration_ms)} ms
        ${attempt.response && html`<pre class="answer" dir="auto" tabindex="0">${visible(attempt.response)}</pre>`}
      </li>`,
    )}
  </ol>`;
}

/** After how many milliseconds a delivery may have changed; null: it does not. @param {Delivery} delivery */
export const pauseOf = ({ status, next_attempt_at, created_at }) =>
  status === "pending"
    ? pauseNear(next_attempt_at ?? created_at, { shortest: 3_000, longest: 60_000 })
    : null;

/** Characters that are not seen, or that turn round what stands beside them. */
const UNSEEN = /(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** A text that somebody else's server wrote, with a sign for each character that is not seen. @param {string} text */
const visible = (text) => text.replace(UNSEEN, "\ufffd");
