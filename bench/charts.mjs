import * as echarts from 'echarts';

const LIBRARY_COLOR = '#0a7d5a';
const OTHER_COLOR = '#8a97a6';
const TEXT_COLOR = '#3d4754';
const LINE_COLOR = '#e6e9ed';
const ROW_HEIGHT = 26;

/** Draws a bar chart for each scale. The library's bars have another colour. */
export function drawCharts(results) {
  const charts = {};
  if (results['in-process'] !== undefined) {
    charts['in-process'] = drawBars({
      title: 'CPU nanoseconds of a cache hit without HTTP, tokens of 43 characters',
      rows: results['in-process'].map(({ target, nanoseconds }) => [target, nanoseconds]),
      digits: 0,
    });
  }
  if (results.express !== undefined) {
    charts.express = drawBars({
      title: 'Requests per second on Express 5, as a ratio to the same app without authentication',
      rows: results.express.map(({ target, ratioToBare }) => [target, ratioToBare]),
      digits: 2,
    });
  }
  if (results.growth !== undefined) charts.growth = drawGrowth(results.growth);
  return charts;
}

/** Draws the cost of a hit by the number of cached tokens, with a line for each number of processes. */
function drawGrowth(rows) {
  const counts = [...new Set(rows.map(({ processes }) => processes))];
  return render(360, {
    ...title('CPU nanoseconds of a cache hit, by the number of cached tokens in each process'),
    grid: { left: 70, right: 130, top: 44, bottom: 50 },
    legend: { right: 12, top: 44, orient: 'vertical', textStyle: { color: TEXT_COLOR } },
    xAxis: {
      type: 'log',
      name: 'cached tokens',
      nameLocation: 'middle',
      nameGap: 28,
      axisLabel: { color: TEXT_COLOR },
    },
    yAxis: { type: 'value', min: 0, axisLabel: { color: TEXT_COLOR }, splitLine: { lineStyle: { color: LINE_COLOR } } },
    series: counts.map((count) => ({
      name: count === 1 ? '1 process' : `${count} processes`,
      type: 'line',
      data: rows.filter(({ processes }) => processes === count).map((row) => [row.tokens, row.nanoseconds.median]),
    })),
  });
}

/** Draws a confidence interval as a line, with the median as text after it. */
function drawInterval(api, digits) {
  const [low, y] = api.coord([api.value(1), api.value(0)]);
  const [high] = api.coord([api.value(2), api.value(0)]);
  const text = api.value(3).toFixed(digits);
  return {
    type: 'group',
    children: [
      { type: 'line', shape: { x1: low, y1: y, x2: high, y2: y }, style: { stroke: TEXT_COLOR, lineWidth: 2 } },
      { type: 'text', style: { text, x: high + 8, y, fill: TEXT_COLOR, fontSize: 12, textVerticalAlign: 'middle' } },
    ],
  };
}

function drawBars({ title: text, rows, digits }) {
  return render(80 + rows.length * ROW_HEIGHT, {
    ...title(text),
    grid: { left: 320, right: 80, top: 44, bottom: 30 },
    xAxis: { type: 'value', axisLabel: { color: TEXT_COLOR }, splitLine: { lineStyle: { color: LINE_COLOR } } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(([name]) => name),
      axisLabel: { color: TEXT_COLOR, interval: 0 },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: '62%',
        data: rows.map(([name, { median }]) => ({
          value: median,
          itemStyle: { color: name.startsWith('this library') ? LIBRARY_COLOR : OTHER_COLOR },
        })),
      },
      {
        type: 'custom',
        renderItem: (_parameters, api) => drawInterval(api, digits),
        encode: { x: [1, 2], y: 0 },
        data: rows.map(([, { median, low, high }], index) => [index, low, high, median]),
      },
    ],
  });
}

function title(text) {
  return { title: { text, left: 12, top: 10, textStyle: { fontSize: 13, fontWeight: 'bold', color: TEXT_COLOR } } };
}

function render(height, option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
