import { css, paint } from './paint.js';
import uPlot from './uplot.js';

const SECONDS = 60;
const HEIGHT = 148;
const AGES = Array.from({ length: SECONDS }, (_, i) => i - SECONDS + 1);

/** A chart of the last minute: lines, or stacked columns if `stacked`. */
export function createChart(container, stacked) {
  let plot;
  let drawnNames = '';
  /** @type {{ name: string, color: string, texture?: string, dash?: number[], values: number[] }[]} */
  let series = [];
  let isOpen = [];

  function build() {
    plot?.destroy();
    plot = new uPlot(optionsFor(), data(), container);
  }

  function data() {
    if (!stacked) return [AGES, ...series.map(({ values }) => values)];
    // Each column starts at the axis, so the highest ones are drawn first, behind the others.
    const sums = AGES.map(() => 0);
    const cumulative = series.map(({ values }) => values.map((value, i) => (sums[i] += value)));
    return [AGES, ...cumulative.reverse()];
  }

  function optionsFor() {
    const grid = { stroke: css('--line'), width: 1 };
    const axis = { stroke: css('--muted'), font: `11px ${css('--sans')}`, grid, ticks: { show: false } };
    const lines = stacked ? [...series].reverse() : series;
    return {
      width: container.clientWidth,
      height: HEIGHT,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: [1 - SECONDS, 0] },
        y: { range: (_, __, max) => [0, Math.max(4, max * 1.15)] },
      },
      axes: [
        {
          ...axis,
          size: 24,
          gap: 7,
          grid: { show: false },
          splits: () => [1 - SECONDS, -45, -30, -15, 0],
          values: (_, splits) => splits.map((age) => (age === 0 ? 'now' : age <= 1 - SECONDS ? '−60 s' : `−${-age}`)),
        },
        { ...axis, size: 34, gap: 4, space: 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        {},
        ...lines.map(({ color, texture, dash, fill }) => ({
          stroke: css(color),
          width: stacked ? 0 : 1.75,
          dash,
          fill: stacked ? paint(color, texture) : fill && css(fill),
          points: { show: false },
          paths: stacked ? uPlot.paths.bars({ size: [0.8, 12] }) : undefined,
        })),
      ],
      hooks: { drawClear: [shadeOpenSeconds] },
    };
  }

  /** Shades the seconds in which the circuit breaker was not closed. */
  function shadeOpenSeconds({ ctx, bbox, valToPos }) {
    ctx.save();
    ctx.fillStyle = css('--shade');
    for (const [i, age] of AGES.entries()) {
      if (!isOpen[i]) continue;
      const left = Math.round(Math.max(bbox.left, valToPos(age - 0.5, 'x', true)));
      const right = Math.round(Math.min(bbox.left + bbox.width, valToPos(age + 0.5, 'x', true)));
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.restore();
  }

  new ResizeObserver(() => {
    if (plot !== undefined && container.clientWidth > 0) plot.setSize({ width: container.clientWidth, height: HEIGHT });
  }).observe(container);
  document.documentElement.addEventListener('themechange', () => plot !== undefined && build());

  return {
    show(newSeries, newIsOpen) {
      series = newSeries;
      isOpen = newIsOpen;
      const names = series.map(({ name }) => name).join();
      if (plot === undefined || names !== drawnNames) build();
      else plot.setData(data());
      drawnNames = names;
    },
  };
}

/** Reads one value for each second of the last minute, oldest first. Gets `undefined` for seconds before the history begins. */
export function lastMinute(history, read) {
  const missing = Math.max(0, SECONDS - history.length);
  return [...Array(missing).fill(read(undefined)), ...history.slice(-SECONDS).map(read)];
}
