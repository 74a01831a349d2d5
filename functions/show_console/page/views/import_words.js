// @ts-check
/** Imports in words: states, options, counts, and what a column may be read as. */

import { pauseNear } from "../elements/files.js";
import { Badge, number } from "../elements/shown.js";
import { may } from "../session.js";
import { uploads } from "../uploads.js";
import { html } from "../vendor/preact.js";

/** Whether the key may begin, start, cancel and undo imports. */
export const mayImport = () => may("imports:write", "contacts:write");

/** @type {Record<string, [kind: "good" | "bad" | "busy" | "", words: string]>} */
const STATES = {
  awaiting_upload: ["busy", "waiting for its file"],
  reading: ["busy", "being read"],
  ready: ["", "ready to start"],
  running: ["busy", "running"],
  paused: ["busy", "paused"],
  completed: ["good", "completed"],
  completed_with_errors: ["bad", "some rows failed"],
  failed: ["bad", "failed"],
  cancelled: ["", "cancelled"],
  expired: ["", "expired: no file came"],
  undoing: ["busy", "being undone"],
  undone: ["", "undone"],
};
const MOVING = ["awaiting_upload", "reading", "running", "paused", "undoing"];

/** @param {any} job */
const stateOf = ({ state, undo }) => (undo ? (undo.state === "running" ? "undoing" : "undone") : state);

/** @param {any} job */
export const stateWords = (job) => STATES[stateOf(job)]?.[1] ?? job.state;

/** @param {{job: any}} properties */
export const State = ({ job }) => html`<${Badge} kind=${STATES[stateOf(job)]?.[0]}>${stateWords(job)}<//>`;

/** Whether it changes by itself. @param {any} job */
export const isMoving = (job) => MOVING.includes(stateOf(job));

/** What does not move soon is looked at once a minute. */
const SLOW_MS = 60_000;

/** After how many milliseconds it may have changed; null: it does not by itself. @param {any} job */
export function pauseOf(job) {
  if (!isMoving(job)) return null;
  const sentAt = uploads.get().get(job.id)?.sentAt;
  const isSlow = stateOf(job) === "paused" || (stateOf(job) === "awaiting_upload" && !sentAt);
  const since = job.undo?.started_at ?? job.started_at ?? sentAt ?? job.created_at;
  return pauseNear(since, { shortest: isSlow ? SLOW_MS : undefined });
}

/** @param {any} job */
export const hasEnded = ({ state }) => state !== "ready" && !MOVING.includes(state);

/** @type {[name: string, words: string][]} */
const COUNTS = [
  ["created", "created"],
  ["updated", "changed"],
  ["unchanged", "unchanged: the contact is as the row says"],
  ["skipped", "skipped: not of this mode, in the trash, or blank"],
  ["protected", "opted out, and stay so: all but the subscription was taken"],
  ["failed", "failed"],
];

/** Rows that something came of. @param {any} job */
export const done = ({ counts }) => COUNTS.reduce((sum, [name]) => sum + counts[name], 0);

/** What came of the rows, or would come of them: it adds up. @param {{job: any}} properties */
export function Counts({ job }) {
  const { counts } = job;
  const left = {
    name: "left",
    n: counts.rows - done(job),
    words: hasEnded(job) ? "not carried out" : "still to come",
  };
  const lines = [...COUNTS.map(([name, words]) => ({ name, n: counts[name], words })), left].filter(
    ({ n }) => n > 0,
  );
  return html`<table class="counts">
    <caption class="hidden">What comes of the rows</caption>
    <tbody>
      ${lines.map(({ name, n, words }) => html`<tr key=${name}><td class="number">${number(n)}</td><th scope="row">${words}</th></tr>`)}
      <tr class="sum"><td class="number">${number(counts.rows)}</td><th scope="row">${counts.rows === 1 ? "row" : "rows"} in the file</th></tr>
    </tbody>
  </table>`;
}

/** In a line, for lists. @param {any} job */
export const summary = ({ counts }) =>
  COUNTS.filter(([name]) => counts[name])
    .map(([name, words]) => `${number(counts[name])} ${words.split(/[:,]/)[0]}`)
    .join(", ");

/** @type {{name: string, label: string, hint?: string, choices: [string, string][]}[]} */
export const OPTIONS = [
  {
    name: "mode",
    label: "What the rows may do",
    choices: [
      ["upsert", "Create and change contacts"],
      ["create", "Only create new contacts"],
      ["update", "Only change existing contacts"],
    ],
  },
  {
    name: "blanks",
    label: "An empty cell",
    choices: [
      ["keep", "keeps what the contact has"],
      ["clear", "empties the field"],
    ],
  },
  {
    name: "on_invalid",
    label: "A value that is not right",
    hint: "Rows that fail can be downloaded, mended and imported again.",
    choices: [
      ["reject", "makes its row fail"],
      ["skip", "is left out of its row"],
    ],
  },
  {
    name: "events",
    label: "Webhooks are sent",
    choices: [
      ["summary", "once, when the import ends"],
      ["each", "for each contact as well"],
    ],
  },
];

/** The contact's own fields, as what a column may be read. @type {[string, string][]} */
export const FIELDS = [
  ["email", "Email"],
  ["external_id", "Your own id (external_id)"],
  ["first_name", "First name"],
  ["last_name", "Last name"],
  ["name", "Whole name"],
  ["phone", "Phone"],
  ["tags", "Tags, instead of those it has"],
  ["add_tags", "Tags, beside those it has"],
  ["lists", "Lists, instead of those it is on"],
  ["add_lists", "Lists, beside those it is on"],
  ["is_active", "Active: yes or no"],
  ["is_unsubscribed", "Opted out: yes or no"],
  ["is_subscribed", "Subscribed: yes or no"],
  ["status", "Status of the subscription"],
  ["unsubscribed_at", "When it opted out"],
  ["custom_fields", "Custom fields, as a JSON object"],
  ["metadata", "Metadata, as a JSON object"],
  ["*", "An object with columns of its own"],
];
