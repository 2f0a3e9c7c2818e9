import * as echarts from 'echarts';

const LIBRARY_COLOR = '#0a7d5a';
const OTHER_COLOR = '#8a97a6';
const TEXT_COLOR = '#3d4754';
const ROW_HEIGHT = 26;

/** Draws a bar chart for each host. The library's bars have another colour. */
export function drawCharts(results) {
  const charts = {};
  if (results['throughput-express'] !== undefined) {
    charts['throughput-express'] = drawBars({
      title: 'Requests per second on Express 5, as a ratio to the same app without authentication',
      rows: results['throughput-express'].map(({ target, ratioToBare }) => [target, ratioToBare.median]),
      digits: 2,
    });
  }
  if (results['throughput-http'] !== undefined) {
    charts['cpu-http'] = drawBars({
      title: 'Additional CPU time per request on node:http, compared with the same server without authentication (µs)',
      rows: results['throughput-http']
        .map(({ target, extraCpuMicros }) => [target, extraCpuMicros.median])
        .filter(([, value]) => value > 0),
      digits: 1,
    });
  }
  return charts;
}

function drawBars({ title, rows, digits }) {
  const height = 80 + rows.length * ROW_HEIGHT;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 12, top: 10, textStyle: { fontSize: 13, fontWeight: 'bold', color: TEXT_COLOR } },
    grid: { left: 320, right: 60, top: 44, bottom: 30 },
    xAxis: { type: 'value', axisLabel: { color: TEXT_COLOR }, splitLine: { lineStyle: { color: '#e6e9ed' } } },
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
        data: rows.map(([name, value]) => ({
          value,
          itemStyle: { color: name.startsWith('this library') ? LIBRARY_COLOR : OTHER_COLOR },
        })),
        label: { show: true, position: 'right', color: TEXT_COLOR, formatter: ({ value }) => value.toFixed(digits) },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
