// @ts-check
/** A new import: a file, and what is to be done with its rows. */

import { post } from "../api.js";
import { FileField } from "../elements/files.js";
import { Button, Choice, Form, TextField, Toggle } from "../elements/forms.js";
import { LabelSet } from "../elements/labels_editor.js";
import { FailureNotice, say } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { useAction, useGo } from "../loading.js";
import { href } from "../routing.js";
import { beginUpload, fileProblem } from "../uploads.js";
import { html, useState } from "../vendor/preact.js";
import { mayImport, OPTIONS } from "./import_words.js";

/** The API's own choices. @type {Record<string, any>} */
const DEFAULTS = {
  ...Object.fromEntries(OPTIONS.map(({ name, choices }) => [name, choices[0][0]])),
  restore_trashed: false,
  add_tags: [],
  add_lists: [],
  default_country: "",
  encoding: "",
  delimiter: "",
};
const KNOWN = ["file_name", "size", ...Object.keys(DEFAULTS)];
/** @type {[string, string][]} */
const DELIMITERS = [
  ["", "Find it out"],
  [",", "Comma"],
  [";", "Semicolon"],
  ["\t", "Tab"],
  ["|", "Bar |"],
];
/** @type {[string, string][]} */
const ENCODINGS = [
  ["", "Find it out"],
  ["utf-8", "UTF-8"],
  ["utf-16", "UTF-16"],
  ["cp1252", "Western Europe"],
  ["cp1250", "Central Europe"],
  ["cp1251", "Cyrillic"],
  ["cp1253", "Greek"],
  ["cp1254", "Turkish"],
  ["cp1255", "Hebrew"],
  ["cp1256", "Arabic"],
];

export function View() {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [options, setOptions] = useState(DEFAULTS);
  const [first, setFirst] = useState("check");
  const [isAsked, setAsked] = useState(false);
  const go = useGo();
  const making = useAction(async (/** @type {File} */ chosen) => {
    const { data } = await post("imports", {
      ...options,
      file_name: chosen.name,
      size: chosen.size,
      dry_run: first === "check",
      default_country: options.default_country.trim() || null,
      encoding: options.encoding || null,
      delimiter: options.delimiter || null,
    });
    if (data.test_mode) return say("The options are right. With a test key nothing is sent or kept.");
    beginUpload(data.id, chosen);
    return go(href(`import/${data.id}`), { replace: true });
  });
  if (!mayImport()) {
    return html`<${Page} title="Import a file">
      <p>This key may not import: that needs <code>imports:write</code> and <code>contacts:write</code>.</p>
    <//>`;
  }
  const wrong = (/** @type {string} */ field) => making.failure?.of(field) ?? "";
  const bind = (/** @type {string} */ name) => ({
    value: options[name],
    set: (/** @type {any} */ value) => setOptions((before) => ({ ...before, [name]: value })),
    wrong: wrong(name),
  });
  const problem = fileProblem(file);
  const send = () => {
    setAsked(true);
    if (file && !problem) making.act(file);
    else document.querySelector("input")?.focus();
  };
  return html`<${Page} title="Import a file">
    <${Form} send=${send}>
      <${Section} title="The file">
        <${FileField} label="Drop a file here, or choose one" set=${setFile} wrong=${(file || isAsked ? problem : "") || wrong("file_name") || wrong("size")} />
        <${Choice} label="What happens first" value=${first} set=${setFirst}
          choices=${[["check", "Check the file and show me what would happen"], ["start", "Start at once"]]} />
      <//>
      <${Section} title="The rows">
        <p class="small">A row finds its contact by its email or its external id. Nobody who has opted out is subscribed by an import.</p>
        <div class="grid">
          ${OPTIONS.map(({ name, label, hint, choices }) => html`<${Choice} key=${name} label=${label} hint=${hint} choices=${choices} ...${bind(name)} />`)}
          <${LabelSet} what="tag" legend="Tags that every contact gets" ...${bind("add_tags")} />
          <${LabelSet} what="list" legend="Lists that every contact is put on" ...${bind("add_lists")} />
        </div>
        <${Toggle} label="Bring contacts back from the trash (else their rows are skipped)" value=${options.restore_trashed} set=${bind("restore_trashed").set} />
      <//>
      <details class="section">
        <summary>More about the file</summary>
        <div class="grid">
          <${TextField} label="Country of phone numbers without one" maxlength=${2} hint="Two letters, as DE. Without it such numbers are refused." ...${bind("default_country")} />
          <${Choice} label="Encoding" hint="If accents or umlauts look wrong in the check." choices=${ENCODINGS} ...${bind("encoding")} />
          <${Choice} label="Between columns" choices=${DELIMITERS} ...${bind("delimiter")} />
        </div>
      </details>
      <${FailureNotice} failure=${making.failure} known=${KNOWN} />
      <div class="actions">
        <${Button} kind="main" isBusy=${making.isBusy}>${first === "check" ? "Check the file" : "Import the file"}<//>
        <a class="button" href=${href("imports")}>Cancel</a>
      </div>
    <//>
  <//>`;
}
