// @ts-check
/** Where a key is entered. It stays in this tab. */

import { Button, Form, TextField } from "../elements/forms.js";
import { FailureNotice } from "../elements/notices.js";
import { useAction } from "../loading.js";
import { farewell, keyIn, signIn } from "../session.js";
import { useStore } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";

export function SignIn() {
  const why = useStore(farewell);
  const [entered, setEntered] = useState("");
  const [isTried, setTried] = useState(false);
  const key = keyIn(entered);
  const signing = useAction(signIn);
  useEffect(() => {
    document.title = "Sign in · Contacts";
  }, []);
  const wrong = entered.trim()
    ? "This is no API key. Those begin with sk_live_ or sk_test_ and have 51 characters."
    : "Enter a key.";
  return html`<main class="sign-in">
    <h1>Contacts</h1>
    <p>The contact book of your account: find people, mend what is wrong, import and export, and see what your webhooks get.</p>
    ${why && html`<div class="failure" role="alert"><p>${why}</p></div>`}
    <${Form} send=${() => (setTried(true), key && signing.act(key))}>
      <${TextField} label="API key" type="password" value=${entered} set=${setEntered} autocomplete="off" spellcheck=${false} autofocus
        hint="A native key with the scope account:read. What else it may do decides what you see."
        wrong=${isTried && !key ? wrong : ""} />
      <${FailureNotice} failure=${key ? signing.failure : null} />
      <${Button} kind="main" isBusy=${signing.isBusy}>Sign in<//>
    <//>
    <p class="small">The key stays in this tab and is forgotten when you close it or leave; each tab asks for one. <code>make run</code> prints one.${" "}
      <a href="docs">The API</a></p>
  </main>`;
}
