// @ts-check
/** The endpoints of the account, and how their last deliveries went. */

import { get, part } from "../api.js";
import { brief, squareOf } from "../elements/delivery.js";
import { State } from "../elements/endpoint.js";
import { EventType } from "../elements/events.js";
import { Empty } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { counted } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useList } from "../loading.js";
import { href } from "../routing.js";
import { may, session } from "../session.js";
import { html, useEffect, useState } from "../vendor/preact.js";

/** @typedef {import("../elements/endpoint.js").Webhook} Webhook */
/** @typedef {import("../elements/delivery.js").Delivery} Delivery */

/** How many deliveries the health of an endpoint is seen by. */
const LAST = 20;
/** How many endpoints are asked about at the same time. */
const AT_ONCE = 3;

export function View() {
  const list = useList("webhooks");
  const health = useHealth(list.rows.map((webhook) => webhook.id));
  const limit = session.get()?.account.webhook_limit ?? Infinity;
  const isFull = list.rows.length >= limit;
  const mayAdd = may("webhooks:write", "contacts:read");
  const add = html`<a class="button main" href=${href("webhooks/new")}>New endpoint</a>`;
  return html`<${Page} title="Webhooks" under="Endpoints of yours that are told of every change as it happens."
    actions=${mayAdd && !isFull && list.rows.length > 0 && add}>
    ${mayAdd && isFull && html`<p>The account has ${counted(limit, "endpoint")}, as many as its plan allows. Delete one before you add another.</p>`}
    <${Table} caption="Endpoints" columns=${columns(health)} list=${list} id=${(/** @type {Webhook} */ row) => row.id}
      empty=${html`<${Empty} title="No endpoint yet.">
        <p>An endpoint is a URL of yours. Every change of a contact is sent to it, signed, within a second or two.</p>
        ${mayAdd ? add : html`<p>This key may not register one.</p>`}
      <//>`} />
    ${list.rows.length > 0 && html`<p class="small">The last ${LAST} deliveries, the newest at the end: ✓ delivered, ✕ failed, … pending, – the person was erased.</p>`}
  <//>`;
}

/** @param {Record<string, Delivery[] | null>} health @returns {import("../elements/table.js").Column<Webhook>[]} */
const columns = (health) => [
  {
    title: "Endpoint",
    isHead: true,
    kind: "endpoint",
    cell: (
      webhook,
    ) => html`<a href=${href(`webhook/${part(webhook.id)}`)} dir="ltr" title=${webhook.url}>${brief(webhook.url)}</a>
      ${webhook.description && html`<div class="small" dir="auto">${webhook.description}</div>`}`,
  },
  {
    title: "Last deliveries",
    kind: "health",
    cell: (webhook) => html`<${Health} deliveries=${health[webhook.id]} />`,
  },
  { title: "State", kind: "state", cell: (webhook) => html`<${State} webhook=${webhook} />` },
  {
    title: "Events",
    kind: "wide state",
    cell: ({ events }) =>
      html`<ul class="plain">${events.map((type) => html`<li key=${type}><${EventType} type=${type} /></li>`)}</ul>`,
  },
];

/** The last deliveries, in the order of time. @param {{deliveries: Delivery[] | null | undefined}} properties */
function Health({ deliveries }) {
  if (deliveries === undefined) return html`<span class="none">…</span>`;
  if (deliveries === null) return html`<span class="none">not known: they could not be loaded</span>`;
  if (!deliveries.length) return html`<span class="none">nothing sent</span>`;
  const failed = deliveries.filter((delivery) => delivery.status === "failed").length;
  const label = `${counted(deliveries.length, "delivery", "deliveries")}, ${failed} failed, the newest last`;
  return html`<ul class="squares" aria-label=${label}>${deliveries.map(squareOf).reverse()}</ul>`;
}

/** The last deliveries of each endpoint, as they come; null: they could not be loaded. @param {string[]} ids */
function useHealth(ids) {
  const [health, setHealth] = useState(/** @type {Record<string, Delivery[] | null>} */ ({}));
  useEffect(() => {
    const ends = new AbortController();
    const waiting = [...ids];
    const ask = async () => {
      for (let id = waiting.shift(); id && !ends.signal.aborted; id = waiting.shift()) {
        const asked = id;
        const deliveries = await get(`webhooks/${part(id)}/deliveries`, { limit: LAST }, ends.signal).then(
          (answer) => answer.data.data,
          () => null,
        );
        setHealth((before) => ({ ...before, [asked]: deliveries }));
      }
    };
    for (let n = 0; n < AT_ONCE; n++) ask();
    return () => ends.abort();
  }, [ids.join()]);
  return health;
}
