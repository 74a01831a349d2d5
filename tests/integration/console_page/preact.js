/** What stands for vendor/preact.js in these tests: a hook is run without a document, and drawn again when it says so. */

/** @type {any} */
let drawn = null;

/** Run a hook as a component would. Its `value` is what the hook gave last. */
export function mounted(hook) {
  const it = { slots: [], place: 0, effects: [], value: undefined, isWaiting: false, isGone: false };
  it.draw = () => {
    it.isWaiting = false;
    if (it.isGone) return;
    drawn = it;
    it.place = 0;
    it.value = hook();
    drawn = null;
    for (const run of it.effects.splice(0)) run();
  };
  it.later = () => {
    if (!it.isWaiting) queueMicrotask(it.draw);
    it.isWaiting = true;
  };
  it.end = () => {
    it.isGone = true;
    for (const slot of it.slots) slot.cleanUp?.();
  };
  it.draw();
  return it;
}

function slotOf(make) {
  const it = drawn;
  const place = it.place++;
  it.slots[place] ??= make(it);
  return it.slots[place];
}

export function useState(initial) {
  const slot = slotOf((it) => {
    const made = { value: typeof initial === "function" ? initial() : initial };
    made.set = (next) => {
      const value = typeof next === "function" ? next(made.value) : next;
      if (Object.is(value, made.value)) return;
      made.value = value;
      it.later();
    };
    return made;
  });
  return [slot.value, slot.set];
}

const isChanged = (slot, inputs) =>
  !slot.inputs || !inputs || inputs.some((one, place) => !Object.is(one, slot.inputs[place]));

export function useEffect(effect, inputs) {
  const slot = slotOf(() => ({}));
  if (!isChanged(slot, inputs)) return;
  slot.inputs = inputs;
  drawn.effects.push(() => {
    slot.cleanUp?.();
    slot.cleanUp = effect();
  });
}

export function useMemo(make, inputs) {
  const slot = slotOf(() => ({}));
  if (isChanged(slot, inputs)) Object.assign(slot, { inputs, value: make() });
  return slot.value;
}

export const useCallback = (call, inputs) => useMemo(() => call, inputs);
export const useRef = (initial) => useMemo(() => ({ current: initial }), []);
/** What was put into a template; nothing is drawn. */
export const html = (_, ...values) => values;
