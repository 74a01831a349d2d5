// @ts-check
/** A row of small squares: how the last few things of a kind went. */

import { html } from "../vendor/preact.js";

/** @typedef {{id: string, kind: "good" | "bad" | "busy" | "", sign: string, words: string}} Square */

/**
 * Squares in the order of time. Each tells by colour, sign and words; the words are read out, and shown on hovering.
 *
 * @param {{label: string, squares: Square[]}} properties `label`: what the row shows.
 */
export const Squares = ({ label, squares }) => html`<ul class="squares" aria-label=${label}>
  ${squares.map(
    ({ id, kind, sign, words }) => html`<li key=${id} class=${kind} title=${words}>
      <span aria-hidden="true">${sign}</span><span class="hidden">${words}</span>
    </li>`,
  )}
</ul>`;
