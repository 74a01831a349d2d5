// @ts-check
/** The frame of a view: its title, its actions, its parts. */

import { html, useEffect, useRef } from "../vendor/preact.js";

/**
 * A view. The focus goes to its title when it is shown, so that a screen reader says where one is; or to the control
 * with the attribute `data-first`.
 *
 * @param {{title: string, under?: any, actions?: any, children?: any}} properties `under`: what stands below the title.
 */
export function Page({ title, under, actions, children }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · Contacts`;
  }, [title]);
  useEffect(() => {
    const first =
      /** @type {HTMLElement | null} */ (document.querySelector("main [data-first]")) ?? heading.current;
    first?.focus({ preventScroll: true });
  }, []);
  return html`
    <div class="heading">
      <div>
        <h1 ref=${heading} tabindex="-1" dir="auto">${title}</h1>
        ${under && html`<p class="under">${under}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
    ${children}
  `;
}

/** A part of a view under a heading of its own. @param {{title: string, actions?: any, children?: any}} properties */
export const Section = ({ title, actions, children }) => html`<section class="section">
  <div class="heading"><h2>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</div>
  ${children}
</section>`;
