// @ts-check
/** Where the focus goes when the control that had it is taken away: else the next Tab would begin at the top. */

import { useEffect, useRef } from "../vendor/preact.js";

/**
 * @param {unknown} changed What changes when a control may be taken away.
 * @param {() => Element | null | undefined} place What has the focus then.
 */
export function useFocusAfter(changed, place) {
  const isFirst = useRef(true);
  useEffect(() => {
    const isLost = document.activeElement === document.body;
    if (isLost && !isFirst.current) /** @type {HTMLElement | null | undefined} */ (place())?.focus();
    isFirst.current = false;
  }, [changed]);
}
