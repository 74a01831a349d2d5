// @ts-check
/** Text that is copied with one click. */

import { html } from "../vendor/preact.js";
import { Button } from "./forms.js";
import { say } from "./notices.js";

/** @param {string} text @param {string} what As "the id". */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}.`);
  } catch {
    // Browsers let a page copy only where it came by https, or from this machine.
    say(`The browser does not let this page copy. Copy ${what} by hand.`);
  }
}

/** @param {{text: string, what: string}} properties */
export const Copyable = ({ text, what }) => html`<span class="copyable">
  <code>${text}</code>${" "}<${Button} kind="quiet" act=${() => copy(text, what)} aria-label=${`Copy ${what}`}>Copy<//>
</span>`;
