// @ts-check
/** An endpoint: what it is told of, how its deliveries went, and what can be done about them. */

import { Failure, get, part, patch, post, remove } from "../api.js";
import { brief, Deliveries, pauseOf, resultOf, STATUSES, sendAgain } from "../elements/delivery.js";
import { Confirm } from "../elements/dialog.js";
import { EndpointForm, Secret, State } from "../elements/endpoint.js";
import { EventType } from "../elements/events.js";
import { soonest } from "../elements/files.js";
import { Button, Choice, changed } from "../elements/forms.js";
import { Empty, FailureNotice, Loading, say } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { Time } from "../elements/shown.js";
import { useAction, useGo, useGone, useLoaded } from "../loading.js";
import { go, href, stayFor } from "../routing.js";
import { may } from "../session.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

/** @typedef {import("../elements/endpoint.js").Webhook} Webhook */
/** @typedef {import("../elements/delivery.js").Delivery} Delivery */

/** How many deliveries "Show more" adds, and how many the API gives at once. */
const STEP = 20;
const MOST_AT_ONCE = 100;
/** Requests for the deliveries of one status. Where they are rare, the API looks through 1,000 at each request. */
const PATIENCE = 5;

/** The id of the button that opens the form, to which the focus goes back. */
const EDIT = "edit";

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const id = /** @type {string} */ (route.id);
  const webhook = useLoaded(async (signal) => (await get(path(id), {}, signal)).data, [id]);
  const status = route.query.get("status") ?? "";
  const list = useDeliveries(id, status);
  if (webhook.failure?.status === 404 || list.failure?.status === 404) return html`<${Gone} />`;
  if (!webhook.data) {
    return html`<${Page} title="Endpoint">
      ${webhook.failure ? html`<${FailureNotice} failure=${webhook.failure} again=${webhook.again} />` : html`<${Loading} what="the endpoint" />`}
    <//>`;
  }
  return html`<${Endpoint} webhook=${webhook.data} set=${webhook.set} status=${status} list=${list}
    again=${() => (webhook.again(), list.again())} />`;
}

/** @param {string} id */
const path = (id) => `webhooks/${part(id)}`;

const Gone = () => html`<${Page} title="There is no such endpoint">
  <${Empty} title="It was deleted, or it never was in this account.">
    <p><a href=${href("webhooks")}>All endpoints</a></p>
  <//>
<//>`;

/**
 * @param {{webhook: Webhook, set: (webhook: Webhook) => void, again: () => void, status: string,
 *   list: import("../loading.js").Listed<Delivery>}} properties
 */
function Endpoint({ webhook, set, again, status, list }) {
  const [asks, setAsks] = useState(/** @type {"" | "off" | "rotate" | "delete"} */ (""));
  const [edited, setEdited] = useState(/** @type {Webhook | null} */ (null));
  const [secret, setSecret] = useState("");
  const here = path(webhook.id);
  const mayWrite = may("webhooks:write");
  const mayChange = may("webhooks:write", "contacts:read");
  const change = async (/** @type {object} */ fields) => set((await patch(here, fields)).data);
  const activating = useAction(async () => {
    await change({ is_active: true });
    say("It is switched on. It is told of what happens from now on.");
  });
  const goOn = useGo();
  const gone = useGone();
  const test = useTest(webhook, list.rows, again);
  const close = () => setAsks("");
  const shut = () => {
    setEdited(null);
    document.getElementById(EDIT)?.focus();
  };
  // Deleted in another tab: then the whole view says so.
  const isGone = [activating, test].some((action) => action.failure?.status === 404);
  useEffect(() => (isGone ? again() : undefined), [isGone]);
  return html`
    <${Page} title=${brief(webhook.url)} under=${webhook.description && html`<span dir="auto">${webhook.description}</span>`}
      actions=${
        mayWrite &&
        html`
        <${Button} act=${test.act} isBusy=${test.isBusy}>Send a test<//>
        ${
          mayChange &&
          (webhook.is_active
            ? html`<${Button} act=${() => setAsks("off")}>Switch off<//>`
            : html`<${Button} kind="main" act=${activating.act} isBusy=${activating.isBusy}>Switch on<//>`)
        }
      `
      }>
      <${FailureNotice} failure=${activating.failure ?? test.failure} />
      <${Section} title="Endpoint" actions=${
        mayChange &&
        html`<${Button} id=${EDIT} act=${() => setEdited(edited ? null : webhook)} aria-expanded=${edited ? "true" : "false"}>Edit<//>`
      }>
        ${
          edited
            ? html`<${EndpointForm} webhook=${edited} words="Save" cancel=${shut}
              send=${async (/** @type {any} */ fields) => {
                const changes = changed(edited, fields);
                if (Object.keys(changes).length) await change(changes);
                shut();
                say("Saved.");
              }} />`
            : html`<${Facts} webhook=${webhook} />`
        }
      <//>
      <${Log} webhook=${webhook} status=${status} list=${list} again=${again} />
      ${
        mayWrite &&
        html`
        <${Section} title="Secret" actions=${html`<${Button} act=${() => setAsks("rotate")}>Rotate the secret<//>`}>
          ${secret ? html`<${Secret} key=${secret} secret=${secret} />` : html`<p>It was shown when the endpoint was registered. If it is lost, or somebody else has it, rotate it.</p>`}
        <//>
        <${Section} title="Delete" actions=${html`<${Button} kind="danger" act=${() => setAsks("delete")}>Delete the endpoint<//>`}>
          <p>To stop for a while, switch it off instead.</p>
        <//>
      `
      }
    <//>
    ${
      asks === "off" &&
      html`<${Confirm} title="Switch it off?" words="Switch off" close=${close}
      act=${async () => (await change({ is_active: false }), say("It is switched off."))}>
      <p>It is told of nothing until you switch it on again. What waits to be sent ends as failed; you can send it again later.</p>
    <//>`
    }
    ${
      asks === "rotate" &&
      html`<${Confirm} title="Rotate the secret?" words="Rotate" close=${close}
      act=${async () => {
        const { data } = await stayFor(post(`${here}/rotate-secret`));
        setSecret(data.secret ?? "");
        // An answer that is repeated has no secret in it, and who has left does not see it.
        say(
          data.secret && !gone.current
            ? "The new secret is shown in the part Secret."
            : "The answer was lost on its way. Rotate the secret once more.",
        );
      }}>
      <p>You get a new secret. For 24 hours everything is signed with both, the new one and the one before: give the new one to
        your receiver within that time, and nothing is missed.</p>
      <p>If it was rotated within the last 24 hours already, the secret before the present one ends at once.</p>
    <//>`
    }
    ${
      asks === "delete" &&
      html`<${Confirm} title="Delete the endpoint?" words="Delete" typed=${new URL(webhook.url).host} isDanger close=${close}
      act=${() => deleted(here, goOn)}>
      <p>${brief(webhook.url)} is told of nothing more. What is on its way to it is dropped, and its deliveries are not shown any more. This cannot be undone.</p>
    <//>`
    }
  `;
}

/** @param {string} here @param {(address: string, options: {replace: boolean}) => unknown} goOn */
async function deleted(here, goOn) {
  try {
    await remove(here);
  } catch (error) {
    // Somebody else has done it.
    if (!(error instanceof Failure && error.status === 404)) throw error;
  }
  say("The endpoint is deleted.");
  goOn(href("webhooks"), { replace: true });
}

/** @param {{webhook: Webhook}} properties */
const Facts = ({ webhook }) => html`<dl class="facts">
  <dt>URL</dt><dd><code dir="ltr">${webhook.url}</code></dd>
  <dt>State</dt><dd><${State} webhook=${webhook} /></dd>
  <dt>Events</dt><dd><ul class="plain">${webhook.events.map((type) => html`<li key=${type}><${EventType} type=${type} /></li>`)}</ul></dd>
  <dt>Registered</dt><dd><${Time} at=${webhook.created_at} /></dd>
  <dt>Id</dt><dd><code>${webhook.id}</code></dd>
</dl>`;

/**
 * Have a test sent, and say how it went when its delivery has ended.
 *
 * @param {Webhook} webhook @param {Delivery[]} rows What is shown of its deliveries. @param {() => void} again
 */
function useTest({ id }, rows, again) {
  const awaited = useRef("");
  const goOn = useGo();
  useEffect(() => {
    const delivery = rows.find((one) => one.id === awaited.current);
    if (!delivery || delivery.status === "pending") return;
    awaited.current = "";
    const result = delivery.attempts.slice(-1).map(resultOf).join();
    say(
      delivery.status === "delivered"
        ? `The test was accepted: ${result}.`
        : `The test has failed: ${result}.`,
    );
  }, [rows]);
  return useAction(async () => {
    awaited.current = (await post(`${path(id)}/test`)).data.id;
    say("A test is on its way.");
    // Of all states, or it is not seen.
    goOn(href(`webhook/${part(id)}`));
    again();
  });
}

/**
 * The deliveries to an endpoint.
 *
 * @param {{webhook: Webhook, status: string, list: import("../loading.js").Listed<Delivery>, again: () => void}} properties
 *   `again`: load the endpoint as well, which may have been switched off.
 */
function Log({ webhook, status, list, again }) {
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
  const gone = useGone();
  const sending = useAction(async () => {
    const refused = new Set();
    let sent = 0;
    try {
      for (const [place, delivery] of deliveries.entries()) {
        if (gone.current) break;
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
    } finally {
      const words = [`${sent} of ${deliveries.length} are sent again.`, ...refused].join(" ");
      if (gone.current) say(words);
      else setProgress(words);
    }
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
function useDeliveries(id, status) {
  const [count, setCount] = useState(STEP);
  const asked = JSON.stringify([status, count]);
  const loaded = useLoaded(
    async (signal) => ({
      asked,
      ...(await newest(`webhooks/${part(id)}/deliveries`, status, count, signal)),
    }),
    [id, asked],
    (shown) => {
      const ms = soonest(shown?.rows ?? NONE, pauseOf);
      return ms && ms * (shown?.requests ?? 1);
    },
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
  const most = PATIENCE + count / STEP;
  let requests = 0;
  let cursor = null;
  do {
    const limit = Math.min(count - rows.length, MOST_AT_ONCE);
    const { data } = await get(log, { status, limit, cursor }, signal);
    rows.push(...data.data);
    cursor = data.next_cursor;
    requests++;
  } while (cursor !== null && requests < most && rows.length < count);
  return { rows, requests, hasMore: cursor !== null };
}
