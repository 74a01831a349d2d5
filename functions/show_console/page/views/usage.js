// @ts-check
/** What the account has and may: its plan, what is used of its limits, and what was used hour by hour. */

import { get } from "../api.js";
import { Bars } from "../elements/bars.js";
import { Button, Choice } from "../elements/forms.js";
import { FailureNotice, Loading } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { Badge, counted, number } from "../elements/shown.js";
import { useLoaded } from "../loading.js";
import { entry, go, href } from "../routing.js";
import { may, refreshAccount, session } from "../session.js";
import { useStore } from "../store.js";
import { html } from "../vendor/preact.js";

const HOUR_MS = 3_600_000;
/** The part of a limit from which on it is near. */
const NEAR = 0.8;
/** By what the address says: how many hours, their name, and whether days are shown instead of hours. */
const SPANS = /** @type {Record<string, {hours: number, words: string, isDays?: boolean}>} */ ({
  day: { hours: 24, words: "24 hours" },
  week: { hours: 168, words: "7 days" },
  month: { hours: 744, words: "31 days", isDays: true },
});
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const HOURS = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
});
const DAYS = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

/** @typedef {{at: Date, requests: number, written: number}} Hour */

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const chosen = route.query.get("of") ?? "day";
  const span = entry(SPANS, chosen) ?? SPANS.day;
  const now = useLoaded(async () => {
    await refreshAccount();
    return new Date();
  }, []);
  const endpoints = useLoaded(
    async (signal) => (may("webhooks:read") ? (await get("webhooks", {}, signal)).data.data.length : null),
    [],
  );
  const past = useLoaded((signal) => usage(span.hours, signal), [span]);
  const account = useStore(session)?.account;
  const again = () => [now, endpoints, past].map((one) => one.again());
  return html`<${Page} title="Usage"
    under=${html`Plan <strong>${account.plan}</strong>, ${counted(account.counts.contacts, "contact")}${now.data && `, as of ${CLOCK.format(now.data)}`}`}
    actions=${html`<${Button} act=${again} isBusy=${now.isLoading}>Refresh<//>`}>
    <${FailureNotice} failure=${now.failure ?? endpoints.failure ?? past.failure} again=${again} />
    <div class="meters">
      <${Meter} title="Requests this hour" used=${account.used_this_hour} limit=${account.hourly_limit} until=${account.resets_at}
        over="Requests are refused (429)" />
      <${Meter} title="Written items this hour" used=${account.written_this_hour} limit=${account.hourly_written_limit}
        until=${account.resets_at} over="Reading goes on; changes are refused (429)" />
      ${
        typeof endpoints.data === "number" &&
        html`<${Meter} title="Webhook endpoints" used=${endpoints.data} limit=${account.webhook_limit}
        over="No more can be registered; those that exist keep working" />`
      }
    </div>
    <${Section} title="What was used"
      actions=${html`<${Choice} label="Of the last" value=${chosen} set=${(/** @type {string} */ of) => go(href("usage", { of }))}
        choices=${Object.entries(SPANS).map(([name, { words }]) => [name, words])} />`}>
      ${past.data ? html`<${History} hours=${past.data} isDays=${Boolean(span.isDays)} account=${account} />` : past.isLoading && html`<${Loading} what="the usage" />`}
    <//>
  <//>`;
}

/**
 * How much of a limit is used, in a picture and in words.
 *
 * @param {{title: string, used: number, limit: number, until?: string, over: string}} properties `over`: what happens when it is used up.
 */
function Meter({ title, used, limit, until, over }) {
  const state = used >= limit ? "used up" : used >= NEAR * limit ? "near the limit" : "";
  const end = until && CLOCK.format(new Date(until));
  return html`<div class=${`section ${state && "near"}`}>
    <h2>${title} ${state && html`<${Badge} kind=${used >= limit ? "bad" : "busy"}>${state}<//>`}</h2>
    <p><strong class="figure">${number(used)}</strong> of ${number(limit)}</p>
    <meter aria-label=${title} min="0" max=${limit} low=${NEAR * limit} high=${limit * 0.999} optimum="0" value=${used}>${number(used)}</meter>
    <p class="small">${used >= limit ? `${over}${end ? ` until ${end}` : ""}.` : `${number(limit - used)} left${end ? ` until ${end}` : ""}.`}</p>
  </div>`;
}

/** @param {{hours: Hour[], isDays: boolean, account: any}} properties */
function History({ hours, isDays, account }) {
  const total = (/** @type {"requests" | "written"} */ what) =>
    hours.reduce((sum, hour) => sum + hour[what], 0);
  const shown = isDays ? busiest(hours) : hours;
  const name = (/** @type {Hour} */ { at }) => (isDays ? DAYS : HOURS).format(at);
  const chart = (
    /** @type {"requests" | "written"} */ what,
    /** @type {string} */ title,
    /** @type {number} */ limit,
  ) =>
    html`<${Bars} title=${`${title} ${isDays ? "in the busiest hour of each day" : "an hour"}`} unit=${title} of=${isDays ? "Day" : "Hour"}
      near=${NEAR * limit} bars=${shown.map((one) => ({ name: name(one), value: one[what] }))} />`;
  return html`
    <p>Together <strong>${counted(total("requests"), "request")}</strong> and${" "}
      <strong>${counted(total("written"), "written item")}</strong>.</p>
    ${chart("requests", "Requests", account.hourly_limit)}
    ${chart("written", "Written items", account.hourly_written_limit)}
  `;
}

/**
 * The last hours, also those without use.
 *
 * @param {number} count @param {AbortSignal} signal @returns {Promise<Hour[]>}
 */
async function usage(count, signal) {
  const last = Math.floor(Date.now() / HOUR_MS);
  const from = new Date((last - count + 1) * HOUR_MS).toISOString();
  const { data } = await get("account/usage", { from }, signal);
  const used = new Map(data.data.map((/** @type {any} */ hour) => [Date.parse(`${hour.hour}:00:00Z`), hour]));
  return Array.from({ length: count }, (_, place) => {
    const at = (last - count + 1 + place) * HOUR_MS;
    return { at: new Date(at), requests: 0, written: 0, ...pick(used.get(at)) };
  });
}

/** @param {{requests: number, written: number} | undefined} hour */
const pick = (hour) => hour && { requests: hour.requests, written: hour.written };

/** By day: the most of its hours. A limit is one of an hour. @param {Hour[]} hours @returns {Hour[]} */
function busiest(hours) {
  const days = new Map();
  for (const { at, requests, written } of hours) {
    const day = at.toDateString();
    const before = days.get(day) ?? { at, requests: 0, written: 0 };
    days.set(day, {
      at: before.at,
      requests: Math.max(before.requests, requests),
      written: Math.max(before.written, written),
    });
  }
  return [...days.values()];
}
