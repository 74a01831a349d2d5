// @ts-check
/** What views show is loaded here: one request, pages of a list, or something that is looked at again and again. */

import { Failure, get } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";

/**
 * @template T
 * @typedef {{data: T | undefined, failure: Failure | null, isLoading: boolean, again: () => void, set: (data: T) => void}} Loaded
 */

/**
 * What `load` gives. While it is loaded anew, what was there stays; `main.js` makes a new view for another id.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} inputs It is loaded anew when one of them changes.
 * @param {(data: T | undefined) => number | null} [pause] Milliseconds after which it is loaded again; null: not.
 * @returns {Loaded<T>}
 */
export function useLoaded(load, inputs, pause) {
  const [state, setState] = useState(
    /** @type {{data: T | undefined, failure: Failure | null, isLoading: boolean, inputs: unknown[]}} */ ({
      data: undefined,
      failure: null,
      isLoading: true,
      inputs,
    }),
  );
  const [round, setRound] = useState(0);
  const now = useRef(inputs);
  now.current = inputs;
  useEffect(() => {
    const ends = new AbortController();
    setState((before) => ({ ...before, failure: null, isLoading: true }));
    load(ends.signal).then(
      (data) => ends.signal.aborted || setState({ data, failure: null, isLoading: false, inputs }),
      (failure) => {
        if (ends.signal.aborted) return;
        if (!(failure instanceof Failure)) throw failure;
        // What other inputs gave is no answer to these.
        setState((before) => ({
          data: isSame(before.inputs, inputs) ? before.data : undefined,
          failure,
          isLoading: false,
          inputs,
        }));
      },
    );
    return () => ends.abort();
  }, [...inputs, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback(
    (/** @type {T} */ data) => setState({ data, failure: null, isLoading: false, inputs: now.current }),
    [],
  );
  const ms = pause && !state.isLoading && !state.failure ? pause(state.data) : null;
  useEffect(() => {
    if (ms === null) return undefined;
    const timer = setTimeout(again, ms);
    return () => clearTimeout(timer);
  }, [ms, state.data]);
  // In the moment in which the inputs change nothing is under way yet, and what is there is of the inputs before.
  return { ...state, isLoading: state.isLoading || !isSame(state.inputs, inputs), again, set };
}

/** @param {unknown[]} some @param {unknown[]} others */
const isSame = (some, others) => some.every((one, place) => Object.is(one, others[place]));

/**
 * A list, page by page.
 *
 * @template T
 * @typedef {{rows: T[], answer: any, failure: Failure | null, isLoading: boolean, more: (() => void) | null, again: () => void}} Listed
 */

/**
 * The rows of a list. `more` loads the next page; null: that was all. `answer` is the first page's, with its total.
 *
 * @template [T=any]
 * @param {string | null} path Null: nothing is loaded.
 * @param {import("./api.js").Query} [query] Compared by what it says.
 * @returns {Listed<T>}
 */
export function useList(path, query = {}) {
  const asked = JSON.stringify([path, query]);
  const first = useLoaded(
    async (signal) => (path === null ? { data: [] } : (await get(path, query, signal)).data),
    [asked],
  );
  const [further, setFurther] = useState({ asked, pages: /** @type {any[]} */ ([]) });
  const [next, setNext] = useState(
    /** @type {{isLoading: boolean, failure: Failure | null}} */ ({ isLoading: false, failure: null }),
  );
  const pages = first.data ? [first.data, ...(further.asked === asked ? further.pages : [])] : [];
  const cursor = pages.at(-1)?.next_cursor ?? null;
  const more = async () => {
    setNext({ isLoading: true, failure: null });
    try {
      const { data } = await get(/** @type {string} */ (path), { ...query, cursor });
      setFurther({ asked, pages: [...pages.slice(1), data] });
      setNext({ isLoading: false, failure: null });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setNext({ isLoading: false, failure: error });
    }
  };
  return {
    rows: pages.flatMap((page) => page.data),
    answer: first.data,
    failure: first.failure ?? next.failure,
    isLoading: first.isLoading || next.isLoading,
    more: cursor && !next.isLoading ? more : null,
    again: () => (setFurther({ asked, pages: [] }), first.again()),
  };
}

/**
 * A change that a button or a form makes. While it is made, the button is busy; what is wrong is kept to be shown.
 *
 * @template {unknown[]} A
 * @param {(...inputs: A) => Promise<unknown>} act
 * @returns {{act: (...inputs: A) => Promise<boolean>, isBusy: boolean, failure: Failure | null, clear: () => void}}
 *   `act` says whether it has been done.
 */
export function useAction(act) {
  const [state, setState] = useState(
    /** @type {{isBusy: boolean, failure: Failure | null}} */ ({ isBusy: false, failure: null }),
  );
  const isBusy = useRef(false);
  return {
    ...state,
    clear: () => setState({ isBusy: false, failure: null }),
    async act(...inputs) {
      if (isBusy.current) return false;
      isBusy.current = true;
      setState({ isBusy: true, failure: null });
      try {
        await act(...inputs);
        setState({ isBusy: false, failure: null });
        return true;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        setState({ isBusy: false, failure: error });
        return false;
      } finally {
        isBusy.current = false;
      }
    },
  };
}
