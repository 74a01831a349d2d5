// @ts-check
/** What was sent to an endpoint, and what came of it. It is looked at again while something is pending. */

import { Failure, get, part } from "../api.js";
import { Deliveries, STATUSES, sendAgain } from "../elements/delivery.js";
import { Button, Choice } from "../elements/forms.js";
import { Empty, FailureNotice } from "../elements/notices.js";
import { Section } from "../elements/page.js";
import { useAction, useLoaded } from "../loading.js";
import { go, href } from "../routing.js";
import { may } from "../session.js";
import { html, useRef, useState } from "../vendor/preact.js";

/** @typedef {import("../elements/endpoint.js").Webhook} Webhook */
/** @typedef {import("../elements/delivery.js").Delivery} Delivery */

/** How many deliveries "Show more" adds, and how many the API gives at once. */
const STEP = 20;
const MOST_AT_ONCE = 100;
/** Requests for the deliveries of one status. Where they are rare, the API looks through 1,000 at each request. */
const PATIENCE = 5;

/**
 * The deliveries to an endpoint.
 *
 * @param {{webhook: Webhook, status: string, list: import("../loading.js").Listed<Delivery>, again: () => void}} properties
 *   `again`: load the endpoint as well, which may have been switched off.
 */
export function Log({ webhook, status, list, again }) {
  const failed = webhook.is_active ? list.rows.filter((delivery) => delivery.status === "failed") : [];
  const choices = /** @type {[string, string][]} */ ([["", "All"]]);
  for (const [value, { words }] of Object.entries(STATUSES)) choices.push([value, words]);
  return html`<${Section} title="Deliveries" actions=${html`<${Button} act=${again}>Refresh<//>`}>
    <p class="small">Of the last 30 days, the newest first. Open one to see its attempts.</p>
    <div class="filters">
      <${Choice} label="Status" value=${status} choices=${choices}
        set=${(/** @type {string} */ value) => go(href(`webhook/${part(webhook.id)}`, { status: value }), { replace: true })} />
      ${may("webhooks:write") && html`<${SendAll} deliveries=${failed} done=${list.again} />`}
    </div>
    <${Deliveries} list=${list} isOff=${!webhook.is_active}
      empty=${html`<${Empty} title=${status ? `None${list.more ? " of the newest" : ""} is ${status}.` : "Nothing was sent yet."}>
        ${!status && html`<p>Send a test, or change a contact. A delivery is listed when its first attempt has ended.</p>`}
      <//>`} />
  <//>`;
}

/** Send deliveries again, one after another, and tell how far it is. @param {{deliveries: Delivery[], done: () => void}} properties */
function SendAll({ deliveries, done }) {
  const [progress, setProgress] = useState("");
  const told = useRef(/** @type {HTMLElement | null} */ (null));
  const sending = useAction(async () => {
    const refused = new Set();
    let sent = 0;
    for (const [place, delivery] of deliveries.entries()) {
      setProgress(`Sending ${place + 1} of ${deliveries.length} again …`);
      try {
        await sendAgain(delivery);
        sent++;
      } catch (error) {
        // One that cannot be sent again, as its event is not kept any more, does not keep the others from it.
        if (!(error instanceof Failure && [404, 409].includes(error.status))) throw error;
        refused.add(error.message);
      }
    }
    setProgress([`${sent} of ${deliveries.length} are sent again.`, ...refused].join(" "));
    // The button goes away.
    told.current?.focus();
  });
  const send = async () => {
    await sending.act();
    done();
  };
  return html`
    ${
      (deliveries.length > 0 || sending.isBusy) &&
      html`<${Button} act=${send} isBusy=${sending.isBusy}>
      ${deliveries.length > 1 ? `Send the ${deliveries.length} failed ones again` : "Send the failed one again"}
    <//>`
    }
    <span role="status" tabindex="-1" ref=${told}>${progress}</span>
    <${FailureNotice} failure=${sending.failure} again=${send} />
  `;
}

/**
 * The newest deliveries, as many as were asked for. All of them are loaded again while one is pending.
 *
 * @param {string} id @param {string} status
 * @returns {import("../loading.js").Listed<Delivery>}
 */
export function useDeliveries(id, status) {
  const [count, setCount] = useState(STEP);
  const asked = JSON.stringify([status, count]);
  const loaded = useLoaded(
    async (signal) => ({
      asked,
      ...(await newest(`webhooks/${part(id)}/deliveries`, status, count, signal)),
    }),
    [id, asked],
    pauseOf,
  );
  return {
    rows: loaded.data?.rows ?? NONE,
    answer: loaded.data,
    failure: loaded.failure,
    // Not while the same ones are looked at again.
    isLoading: loaded.isLoading && loaded.data?.asked !== asked,
    more: loaded.data?.hasMore ? () => setCount(count + STEP) : null,
    again: loaded.again,
  };
}

const NONE = /** @type {Delivery[]} */ ([]);

/** @param {string} log @param {string} status @param {number} count @param {AbortSignal} signal */
async function newest(log, status, count, signal) {
  const rows = /** @type {Delivery[]} */ ([]);
  const requests = PATIENCE + count / STEP;
  let cursor = null;
  for (let n = 0; n < requests && rows.length < count; n++) {
    const limit = Math.min(count - rows.length, MOST_AT_ONCE);
    const { data } = await get(log, { status, limit, cursor }, signal);
    rows.push(...data.data);
    cursor = data.next_cursor;
    if (cursor === null) break;
  }
  return { rows, hasMore: cursor !== null };
}

/**
 * In how many milliseconds a delivery that is pending may have changed: the sooner, the nearer its attempt. One that has
 * been due for long is not asked about all the time either.
 *
 * @param {{rows: Delivery[]} | undefined} loaded
 */
function pauseOf(loaded) {
  const near = (loaded?.rows ?? NONE)
    .filter(({ status }) => status === "pending")
    .map(({ next_attempt_at, created_at }) =>
      Math.abs(Date.parse(next_attempt_at ?? created_at) - Date.now()),
    );
  if (!near.length) return null;
  const ms = Math.min(...near);
  if (ms < 30_000) return 3_000;
  return ms < 600_000 ? 15_000 : 60_000;
}
