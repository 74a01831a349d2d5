// @ts-check
/** What views show is loaded here: one request, pages of a list, or something that is looked at again and again. */

import { Failure, get } from "./api.js";
import { say } from "./elements/notices.js";
import { go } from "./routing.js";
import { useCallback, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";

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
  const underWay = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => {
    const ends = new AbortController();
    underWay.current = ends;
    setState((before) => ({ ...before, failure: null, isLoading: true }));
    load(ends.signal).then(
      (data) => ends.signal.aborted || setState({ data, failure: null, isLoading: false, inputs }),
      (error) => {
        if (ends.signal.aborted) return;
        // What other inputs gave is no answer to these.
        setState((before) => ({
          data: isSame(before.inputs, inputs) ? before.data : undefined,
          failure: failureOf(error),
          isLoading: false,
          inputs,
        }));
      },
    );
    return () => ends.abort();
  }, [...inputs, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback((/** @type {T} */ data) => {
    // What was asked for before that is older than this.
    underWay.current?.abort();
    setState({ data, failure: null, isLoading: false, inputs: now.current });
  }, []);
  // Once for each answer: that the view is drawn again makes no pause longer.
  const ms = useMemo(() => {
    const ms = state.isLoading ? null : (pause?.(state.data) ?? null);
    if (ms === null || !state.failure) return ms;
    // An account whose requests are used up says when it has new ones; else a person tries again.
    return state.failure.retryAfterMs ? Math.max(ms, state.failure.retryAfterMs) : null;
  }, [state]);
  useEffect(() => {
    if (ms === null) return undefined;
    // A page that nobody looks at asks for nothing: a tab that was forgotten would use up the account's requests.
    const timer = setTimeout(() => {
      if (document.hidden) addEventListener("visibilitychange", again);
      else again();
    }, ms);
    return () => {
      clearTimeout(timer);
      removeEventListener("visibilitychange", again);
    };
  }, [ms, state]);
  // In the moment in which the inputs change nothing is under way yet, and what is there is of the inputs before.
  return { ...state, isLoading: state.isLoading || !isSame(state.inputs, inputs), again, set };
}

/** What went wrong, to be shown; a mistake of the page's own is logged as well. @param {unknown} error @returns {Failure} */
function failureOf(error) {
  if (error instanceof Failure) return error;
  console.error(error);
  return new Failure(0, { detail: "Something is wrong with this page. It is our fault, not yours." });
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
 * The rows of a list. `more` loads the next page; null: that was all. It stays, and does nothing, while that page is
 * loaded. `answer` is the first page's, with its total.
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
  // Pages belong to the first one from which they go on: where that one is another, they are dropped.
  const [further, setFurther] = useState({
    of: first.data,
    pages: /** @type {any[]} */ ([]),
    isLoading: false,
    failure: /** @type {Failure | null} */ (null),
  });
  const { pages, isLoading, failure } =
    further.of === first.data ? further : { pages: [], isLoading: false, failure: null };
  const all = first.data ? [first.data, ...pages] : [];
  const cursor = all.at(-1)?.next_cursor ?? null;
  const more = async () => {
    if (isLoading) return;
    const of = first.data;
    /** @param {Partial<typeof further>} news */
    const tell = (news) =>
      setFurther((now) => (now.of === of ? { of, pages, isLoading: false, failure: null, ...news } : now));
    setFurther({ of, pages, isLoading: true, failure: null });
    try {
      const { data } = await get(/** @type {string} */ (path), { ...query, cursor });
      tell({ pages: [...pages, data] });
    } catch (error) {
      tell({ failure: failureOf(error) });
    }
  };
  // After a cursor that is refused, or a first page that failed, one begins anew.
  const mayGoOn = !first.isLoading && !first.failure && !failure?.of("cursor");
  return {
    rows: all.flatMap((page) => page.data),
    answer: first.data,
    failure: first.failure ?? failure,
    isLoading: first.isLoading || isLoading,
    more: cursor && mayGoOn ? more : null,
    again: first.again,
  };
}

/** Whether the component has been taken away: its view was left, its dialog closed. */
export function useGone() {
  const gone = useRef(false);
  useEffect(
    () => () => {
      gone.current = true;
    },
    [],
  );
  return gone;
}

/** `go` for what follows an answer: who has left the view meanwhile is not taken away from where they are. @returns {typeof go} */
export function useGo() {
  const gone = useGone();
  return (...it) => gone.current || go(...it);
}

/** How long it is said that something was not done after all. */
const REFUSAL_MS = 20_000;

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
  const gone = useGone();
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
        const failure = failureOf(error);
        setState({ isBusy: false, failure });
        // Where it would be shown is nothing any more. (Who is signed out is told so.)
        if (gone.current && failure.status !== 401) say(`Not done: ${failure.message}`, REFUSAL_MS);
        return false;
      } finally {
        isBusy.current = false;
      }
    },
  };
}
