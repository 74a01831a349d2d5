// @ts-check
/** What imports and exports have in common: they take their time, and give files. */

import { get } from "../api.js";
import { useAction, useLoaded } from "../loading.js";
import { html, useState } from "../vendor/preact.js";
import { Button } from "./forms.js";
import { FailureNotice } from "./notices.js";

const SHORTEST_MS = 1_000;
const LONGEST_MS = 5_000;

/** How long to wait until the next look at what began at a time. @param {string} at */
export const pauseSince = (at) =>
  Math.min(Math.max((Date.now() - Date.parse(at)) / 30, SHORTEST_MS), LONGEST_MS);

/**
 * A list; its newest rows are looked at again as long as one of them moves.
 *
 * @param {import("../loading.js").Listed<any>} list @param {string} path @param {(row: any) => boolean} isMoving
 * @returns {import("../loading.js").Listed<any>}
 */
export function useMoving(list, path, isMoving) {
  const moves = list.rows.some(isMoving);
  const newest = useLoaded(
    async (signal) => (moves ? (await get(path, {}, signal)).data.data : []),
    [moves, list.answer],
    (rows) => (rows?.some(isMoving) ? 2 * SHORTEST_MS : null),
  );
  const fresh = new Map((newest.data ?? []).map((/** @type {any} */ row) => [row.id, row]));
  return { ...list, rows: list.rows.map((row) => fresh.get(row.id) ?? row) };
}

/** Tags or lists as they are typed. @param {string} text */
export const names = (text) =>
  text
    .split(/[,;]/)
    .map((one) => one.trim())
    .filter(Boolean);

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
