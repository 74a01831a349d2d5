// @ts-check
/** A text to be taken elsewhere, such as a secret or an id, with a button that copies it. */

import { html, useRef, useState } from "../vendor/preact.js";
import { Button } from "./forms.js";

/**
 * A text and a button that copies it. Where the browser does not let the page write to the clipboard, the button
 * selects the text. What it has done stands beside it, because `say` is not seen while a dialog is open.
 *
 * @param {{text: string, what: string}} properties `what`: what the text is, as "the secret".
 */
export function Copy({ text, what }) {
  const shown = useRef(/** @type {HTMLElement | null} */ (null));
  const [done, setDone] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied.");
    } catch {
      getSelection()?.selectAllChildren(/** @type {HTMLElement} */ (shown.current));
      setDone("The browser did not let the page copy. It is selected: press Ctrl+C or ⌘C.");
    }
  };
  return html`<span class="copy">
    <code ref=${shown} dir="ltr">${text}</code>
    <${Button} act=${copy} kind="quiet" aria-label=${`Copy ${what}`}>Copy<//>
    <span class="small" role="status">${done}</span>
  </span>`;
}
