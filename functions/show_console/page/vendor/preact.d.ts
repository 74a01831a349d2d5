/** The types of what `preact.js` exports, for tsc: Preact's own, from npm. No browser loads this file. */

import type { VNode } from "preact";

export { Component, createContext, h, render } from "preact";
export {
  useCallback,
  useContext,
  useDebugValue,
  useEffect,
  useErrorBoundary,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "preact/hooks";

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode<any>;
