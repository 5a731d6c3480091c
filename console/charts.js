/** The charts of the last ten minutes, drawn by uPlot. */

import untyped from './vendor/uplot.js';
import { amount } from './table.js';

/** @import uPlot from 'uplot' */

/** As its package says that it is. */
const Plot = /** @type {typeof uPlot} */ (/** @type {unknown} */ (untyped));

const HEIGHT = 160;

/** The colours of lines, as the style sheet has them. */
const COLOURS = ['--accent', '--warn', '--soft'];

/** A chart in an element, with a line for each of these names. */
export class Chart {
  /** @type {HTMLElement} */
  #place;
  /** @type {string[]} */
  #names;
  #legend;
  /** @type {uPlot | undefined} */
  #plot;
  /** @type {uPlot.AlignedData} */
  #data = [[]];

  /**
   * @param {HTMLElement} place
   * @param {string[]} names
   */
  constructor(place, names) {
    this.#place = place;
    this.#names = names;
    this.#legend = document.createElement('span');
    this.#legend.className = 'legend';
    place.parentElement?.querySelector('figcaption')?.append(this.#legend);
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#width(), height: HEIGHT })).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make());
    place.setAttribute('role', 'img');
  }

  /**
   * Shows lists of values, the newest last, that are `step` milliseconds apart.
   * @param {number} until
   * @param {number} step
   * @param {number[][]} lists
   */
  show(until, step, lists) {
    const times = lists[0].map((_, index) => (until - (lists[0].length - 1 - index) * step) / 1000);
    this.#data = [times, ...lists];
    const told = this.#names.map((name, line) => `${name} ${amount(lists[line].at(-1) ?? 0)}`).join(', ');
    this.#legend.textContent = told;
    this.#place.setAttribute('aria-label', `The last ten minutes. Now: ${told}`);
    if (this.#plot === undefined) this.#make();
    else this.#plot.setData(this.#data);
  }

  #width() {
    return Math.max(120, this.#place.clientWidth);
  }

  #make() {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    /** @param {string} name */
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const lines = this.#names.map((label, line) => ({ label, stroke: colour(COLOURS[line]), width: 2, points: { show: false } }));
    /** @type {uPlot.Axis.DynamicValues} */
    const times = (_, values) => values.map((time) => new Date(time * 1000).toTimeString().slice(0, values[1] - values[0] < 60 ? 8 : 5));
    /** @type {uPlot.Range.Function} */
    const range = (_, __, most) => [0, Math.max(1, most * 1.1)];
    this.#plot = new Plot({
      width: this.#width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range } },
      axes: [{ ...axis, space: 80, size: 32, values: times }, { ...axis, size: 44, values: (_, values) => values.map(amount) }],
      series: [{}, ...lines],
    }, this.#data, this.#place);
  }
}
