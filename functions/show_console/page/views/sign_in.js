// @ts-check
/** Where a key is entered. It stays in this tab. */

import { Button, Form, TextField } from "../elements/forms.js";
import { FailureNotice } from "../elements/notices.js";
import { useAction } from "../loading.js";
import { signIn } from "../session.js";
import { html, useEffect, useState } from "../vendor/preact.js";

/** @param {{why: string}} properties `why`: why the session before has ended. */
export function SignIn({ why }) {
  const [key, setKey] = useState("");
  const [isMissing, setMissing] = useState(false);
  const signing = useAction(() => signIn(key.trim()));
  useEffect(() => {
    document.title = "Sign in · Contacts";
  }, []);
  return html`<main class="sign-in">
    <h1>Contacts</h1>
    <p>The contact book of your account: find people, mend what is wrong, import and export, and see what your webhooks get.</p>
    ${why && html`<div class="failure" role="alert"><p>${why}</p></div>`}
    <${Form} send=${() => (key.trim() ? signing.act() : setMissing(true))}>
      <${TextField} label="API key" type="password" value=${key} set=${setKey} autocomplete="off" spellcheck=${false} autofocus
        hint="A native key with the scope account:read. What else it may do decides what you see."
        wrong=${isMissing && !key.trim() ? "Enter a key." : ""} />
      <${FailureNotice} failure=${signing.failure} />
      <${Button} kind="main" isBusy=${signing.isBusy}>Sign in<//>
    <//>
    <p class="small">The key stays in this tab and is forgotten when you close it or leave. <code>make run</code> prints one.
      <a href="docs">The API</a></p>
  </main>`;
}
