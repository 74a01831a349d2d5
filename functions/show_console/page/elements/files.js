// @ts-check
/** What imports and exports have in common: they take their time, and take or give a file. */

import { apiTime, get } from "../api.js";
import { useAction, useGo, useLoaded } from "../loading.js";
import { href } from "../routing.js";
import { session } from "../session.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Field } from "./forms.js";
import { FailureNotice, say } from "./notices.js";

const ENDINGS = ".csv,.tsv,.txt,.ndjson,.jsonl,.json,.xlsx,.gz";
const SHORTEST_MS = 1_000;
const LONGEST_MS = 5_000;
const HOUR_MS = 3_600_000;
/** One request in so many may be one of a page that looks again. */
const SHARE = 10;

/** What an export may be. */
export const FORMATS = /** @type {[string, string][]} */ ([
  ["csv", "CSV, for a spreadsheet"],
  ["ndjson", "NDJSON, for a program"],
]);

/** What goes to an export that was begun. @returns {(job: {id?: string, test_mode?: boolean}) => void} */
export function useShowExport() {
  const go = useGo();
  return (job) => {
    if (job.test_mode) say("The export is right. With a test key nothing is written.");
    else go(href(`export/${job.id}`));
  };
}

/**
 * How long to wait until the next look at what moves: the less, the nearer the time at which it does. A page that looks
 * on and on takes a tenth of the account's requests at most, and a few more at the beginning.
 *
 * @param {string | number} at When it began, or will begin. @param {{shortest?: number, longest?: number}} [ms]
 */
export function pauseNear(at, { shortest = SHORTEST_MS, longest = LONGEST_MS } = {}) {
  const limit = session.get()?.account.hourly_limit ?? Infinity;
  const away = Math.abs(apiTime() - new Date(at).getTime());
  const least = (SHARE * HOUR_MS) / limit;
  return Math.max(shortest, Math.min(away / Math.min(30, limit / 100), Math.max(longest, least)));
}

/** The shortest of pauses; null: there is none. @template T @param {T[]} rows @param {(row: T) => number | null} pauseOf */
export function soonest(rows, pauseOf) {
  const pauses = rows.map(pauseOf).filter((ms) => ms !== null);
  return pauses.length ? Math.min(...pauses) : null;
}

/**
 * A list; its newest rows are looked at again as long as one of them moves.
 *
 * @param {import("../loading.js").Listed<any>} list @param {string} path
 * @param {(row: any) => number | null} pauseOf After how many milliseconds a row may have changed; null: it does not.
 * @returns {import("../loading.js").Listed<any>}
 */
export function useMoving(list, path, pauseOf) {
  const seen = useRef(/** @type {any} */ (undefined));
  const newest = useLoaded(
    async (signal) => {
      if (seen.current === list.answer && seen.current) return (await get(path, {}, signal)).data.data;
      seen.current = list.answer;
      return list.answer?.data ?? [];
    },
    [list.answer],
    (rows) => soonest(rows ?? [], pauseOf),
  );
  const fresh = new Map((newest.data ?? []).map((/** @type {any} */ row) => [row.id, row]));
  return { ...list, rows: list.rows.map((row) => fresh.get(row.id) ?? row) };
}

/** A bar from 0 to 1; null: nobody knows. @param {{label: string, value: number | null, children?: any}} properties */
export const Progress = ({ label, value, children }) => html`<div class="progress">
  <label>${label} ${value !== null && `${Math.floor(100 * value)} %`}<progress max="1" value=${value ?? undefined} /></label>
  <p class="small">${children}</p>
</div>`;

/**
 * Saves a file. Its address lives for five minutes, so it is asked for at the click.
 *
 * @param {{path: string, gone: string, children?: any}} properties `gone`: what is said where there is none.
 */
export function Download({ path, gone, children }) {
  const [words, setWords] = useState("");
  const fetching = useAction(async () => {
    const { data } = await get(path);
    setWords(data.url ? "" : gone);
    // The bucket says that it is to be saved, so this page stays.
    if (data.url) location.assign(data.url);
  });
  return html`<${Button} act=${fetching.act} isBusy=${fetching.isBusy}>${children}<//>
    ${words && html`<p role="status">${words}</p>`}<${FailureNotice} failure=${fetching.failure} />`;
}

/** Where a file is chosen. It may be dropped anywhere on the page. @param {{label: string, set: (file: File | null) => void, wrong: string}} properties */
export function FileField({ label, set, wrong }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isSeveral, setSeveral] = useState(false);
  const take = () => {
    const files = input.current?.files;
    setSeveral((files?.length ?? 0) > 1);
    set(files?.length === 1 ? files[0] : null);
  };
  useEffect(() => {
    // Without this the browser would leave the page for the file.
    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      if (event.type !== "drop" || !event.dataTransfer?.files.length || !input.current) return;
      input.current.files = event.dataTransfer.files;
      take();
    };
    addEventListener("dragover", drop);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drop);
      removeEventListener("drop", drop);
    };
  }, []);
  return html`<${Field} label=${label} wrong=${isSeveral ? "One file at a time." : wrong}
    hint="CSV, TSV, Excel (.xlsx), JSON or NDJSON, also gzipped (but Excel), up to 5 GB. The first row names the columns.">
    ${(/** @type {any} */ attributes) => html`<input type="file" ref=${input} accept=${ENDINGS} onChange=${take} ...${attributes} />`}
  <//>`;
}
