// @ts-check
/** Values that several components show: `store` keeps one, `useStore` shows it and follows its changes. */

import { useEffect, useState } from "./vendor/preact.js";

/**
 * @template T
 * @typedef {{get: () => T, set: (value: T) => void, subscribe: (look: () => void) => () => void}} Store
 */

/** @template T @param {T} value @returns {Store<T>} */
export function store(value) {
  const looks = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const look of [...looks]) look();
    },
    subscribe(look) {
      looks.add(look);
      return () => looks.delete(look);
    },
  };
}

/** The store's value; the component is drawn again when it changes. @template T @param {Store<T>} kept @returns {T} */
export function useStore(kept) {
  const [, draw] = useState({});
  const shown = kept.get();
  useEffect(() => {
    // It may have changed between the drawing and now.
    if (!Object.is(kept.get(), shown)) draw({});
    return kept.subscribe(() => draw({}));
  }, [kept]);
  return shown;
}
