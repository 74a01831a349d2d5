// @ts-check
/** Where a file is chosen. It may be dropped anywhere on the page. */

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Field } from "./forms.js";

const ENDINGS = ".csv,.tsv,.txt,.ndjson,.jsonl,.json,.xlsx,.gz";

/** @param {{label: string, set: (file: File | null) => void, wrong: string}} properties */
export function FileField({ label, set, wrong }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isSeveral, setSeveral] = useState(false);
  const take = () => {
    const files = input.current?.files;
    setSeveral((files?.length ?? 0) > 1);
    set(files?.length === 1 ? files[0] : null);
  };
  useEffect(() => {
    // Without this the browser would leave the page for the file.
    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      if (event.type !== "drop" || !event.dataTransfer?.files.length || !input.current) return;
      input.current.files = event.dataTransfer.files;
      take();
    };
    addEventListener("dragover", drop);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drop);
      removeEventListener("drop", drop);
    };
  }, []);
  return html`<${Field} label=${label} wrong=${isSeveral ? "One file at a time." : wrong}
    hint="CSV, TSV, Excel (.xlsx), JSON or NDJSON, also gzipped (but Excel), up to 5 GB. The first row names the columns.">
    ${(/** @type {any} */ attributes) => html`<input type="file" ref=${input} accept=${ENDINGS} onChange=${take} ...${attributes} />`}
  <//>`;
}
