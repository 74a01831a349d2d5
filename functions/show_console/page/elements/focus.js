// @ts-check
/** Where the focus goes when the control that had it is taken away: else the next Tab would begin at the top. */

import { html, useEffect, useRef } from "../vendor/preact.js";
import { Button } from "./forms.js";

/**
 * @param {unknown} changed What changes when a control may be taken away.
 * @param {() => Element | null | undefined} place What has the focus then.
 */
export function useFocusAfter(changed, place) {
  const isFirst = useRef(true);
  useEffect(() => {
    const isLost = document.activeElement === document.body;
    // Safari gives no focus to what is clicked: there it is always lost, and nobody wants to be moved.
    if (isLost && !isFirst.current)
      /** @type {HTMLElement | null | undefined} */ (place())?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [changed]);
}

/**
 * A button for the rows that follow. It stays while they are loaded; where it goes away with the last ones, the focus
 * goes to the first of them.
 *
 * @param {{list: {rows: unknown[], more: (() => void) | null, isLoading?: boolean}, rows: string, words?: string}} properties
 *   `rows`: the selector of the rows, which stand beside the button.
 */
export function More({ list: { rows: shown, more, isLoading }, rows, words = "Show more" }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const before = useRef(-1);
  useFocusAfter(more === null, () => {
    if (before.current < 0 || !box.current) return null;
    const all = box.current.parentElement?.querySelectorAll(rows);
    const first = /** @type {HTMLElement} */ (all?.[before.current] ?? box.current);
    // By itself a row takes no focus.
    if (first.tabIndex < 0) first.tabIndex = -1;
    return first;
  });
  const act = () => {
    before.current = shown.length;
    more?.();
  };
  return html`<div ref=${box}>${more && html`<p><${Button} act=${act} isBusy=${isLoading}>${words}<//></p>`}</div>`;
}
