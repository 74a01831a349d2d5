// @ts-check
/** Dialogs, by the browser's own element: it keeps the focus, and Escape closes it where nothing would be lost. */

import { useAction } from "../loading.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Button, Form, TextField, useId } from "./forms.js";
import { Announcements, FailureNotice, Waiting } from "./notices.js";

/**
 * A dialog, open as long as it is drawn.
 *
 * @param {object} properties
 * @param {string} properties.title
 * @param {() => void} properties.close What Escape does.
 * @param {boolean} [properties.isHeld] Escape does nothing: something is under way, or would be lost.
 * @param {any} [properties.children]
 */
export function Dialog({ title, close, isHeld = false, children }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    // Closed before it is taken away, it gives the focus back to where it was.
    return () => dialog?.close();
  }, []);
  const cancel = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!isHeld) close();
  };
  // Some browsers close it without asking when Escape is pressed twice.
  const closed = () => box.current && (isHeld ? box.current.showModal() : close());
  return html`<dialog ref=${box} aria-labelledby=${id} onCancel=${cancel} onClose=${closed}>
    <${Waiting} />
    <h2 id=${id} dir="auto">${title}</h2>
    ${children}
    <${Announcements} />
  </dialog>`;
}

/**
 * A form in a dialog, with its buttons.
 *
 * @param {object} properties
 * @param {string} properties.title
 * @param {string} properties.words Of the button that sends it.
 * @param {() => unknown} properties.send
 * @param {() => void} properties.close
 * @param {{isBusy: boolean, failure: import("../api.js").Failure | null}} properties.doing The action, as `useAction` gives it.
 * @param {string[]} [properties.known] Fields beside which it shows what is wrong.
 * @param {boolean} [properties.isDanger]
 * @param {string} [properties.back] Of the button that does not.
 * @param {any} [properties.children] Its fields.
 */
export const FormDialog = ({
  title,
  words,
  send,
  close,
  doing,
  known,
  isDanger = false,
  back = "Cancel",
  children,
}) => html`
  <${Dialog} title=${title} close=${close} isHeld=${doing.isBusy}>
    <${Form} send=${send}>
      ${children}
      <${FailureNotice} failure=${doing.failure} known=${known} />
      <div class="actions">
        <${Button} act=${close} disabled=${doing.isBusy}>${back}<//>
        <${Button} kind=${isDanger ? "danger" : "main"} isBusy=${doing.isBusy}>${words}<//>
      </div>
    <//>
  <//>
`;

/**
 * Ask before something is done that is hard to undo.
 *
 * @param {object} properties
 * @param {string} properties.title
 * @param {string} properties.words Of the button that does it.
 * @param {() => Promise<unknown>} properties.act What is done; a Failure is shown in the dialog.
 * @param {() => void} properties.close Called when it is done as well.
 * @param {string} [properties.typed] What must be typed first.
 * @param {boolean} [properties.isDanger]
 * @param {string} [properties.back] Of the button that does not.
 * @param {any} [properties.children] What will happen.
 */
export function Confirm({ title, words, act, close, typed, isDanger, back, children }) {
  const [entered, setEntered] = useState("");
  const [isMissing, setMissing] = useState(false);
  const doing = useAction(act);
  const send = async () => {
    if (typed && entered.trim() !== typed) setMissing(true);
    else if (await doing.act()) close();
  };
  return html`<${FormDialog} title=${title} words=${words} send=${send} close=${close} doing=${doing} isDanger=${isDanger} back=${back}>
    ${children}
    ${
      typed &&
      html`<${TextField} label=${`Type ${typed} to go on`} value=${entered} set=${setEntered} autocomplete="off"
        wrong=${isMissing && entered.trim() !== typed ? "This is not what is asked for." : ""} />`
    }
  <//>`;
}
