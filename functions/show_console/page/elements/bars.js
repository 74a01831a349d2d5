// @ts-check
/** A bar chart, and the same numbers as a table. */

import { html } from "../vendor/preact.js";
import { counted, number } from "./shown.js";

/** @typedef {{name: string, value: number}} Bar `name`: what it is the value of, as an hour. */

/** Units of the drawing; the page stretches it to the width that is there. */
const HEIGHT = 100;
const STEP = 10;
/** A few bars leave room beside them, and so many have no gaps, or they would hardly be seen on a narrow screen. */
const FEW = 12;
const MANY = 200;

/**
 * A chart of values, side by side, with the table of them behind a click; values of 0 have no row there.
 *
 * @param {object} properties
 * @param {string} properties.title What is shown, as "Requests an hour".
 * @param {string} properties.unit What a value counts, as "Requests".
 * @param {string} properties.of What a bar is for, as "Hour".
 * @param {Bar[]} properties.bars In order.
 * @param {number} [properties.near] The value from which on a limit is near: such bars stand out, and their rows say so.
 */
export function Bars({ title, unit, of, bars, near = Infinity }) {
  const most = Math.max(0, ...bars.map((bar) => bar.value));
  if (!most) return html`<p><strong>${title}</strong>: <span class="none">none</span></p>`;
  const highest = bars.find((bar) => bar.value === most)?.name;
  const isNear = (/** @type {Bar} */ bar) => bar.value >= near;
  const nearby = bars.filter(isNear).length;
  const gap = bars.length > MANY ? 0 : 1;
  return html`<figure class="bars">
    <figcaption><strong>${title}</strong>, at most ${number(most)}${nearby > 0 && `, near the limit ${counted(nearby, "time")}`}</figcaption>
    <svg viewBox=${`0 0 ${Math.max(bars.length, FEW) * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img"
      aria-label=${`${title}: at most ${number(most)}, ${highest}. All numbers are in the table below.`}>
      ${bars.map((bar, place) => {
        const { name, value } = bar;
        // What is not nothing is seen, however small it is beside the highest.
        const height = value && Math.max((value / most) * HEIGHT, 1.5);
        return html`<g key=${name} class=${isNear(bar) ? "near" : undefined}>
          <title>${`${name}: ${number(value)}`}</title>
          <rect class="whole" x=${place * STEP} y="0" width=${STEP} height=${HEIGHT} />
          <rect x=${place * STEP + gap} y=${HEIGHT - height} width=${STEP - 2 * gap} height=${height} />
        </g>`;
      })}
    </svg>
    <p class="ends"><span>${bars.at(0)?.name}</span><span>${bars.length > 1 && bars.at(-1)?.name}</span></p>
    <details>
      <summary>As a table</summary>
      <section class="scroller" tabindex="0" aria-label=${title}>
        <table>
          <caption class="hidden">${title}</caption>
          <thead><tr><th scope="col">${of}</th><th scope="col" class="number">${unit}</th></tr></thead>
          <tbody>${bars
            .filter((bar) => bar.value)
            .map(
              (bar) =>
                html`<tr key=${bar.name}><th scope="row">${bar.name}</th><td class="number">${isNear(bar) && "near the limit: "}${number(bar.value)}</td></tr>`,
            )}
          </tbody>
        </table>
      </section>
    </details>
  </figure>`;
}
