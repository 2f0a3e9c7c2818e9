import * as echarts from 'echarts';

const MAIN_COLOR = '#0a7d5a';
const OTHER_COLOR = '#8a97a6';
const TEXT_COLOR = '#3d4754';
const GRID_COLOR = '#e6e9ed';

export function drawFleetCharts({ calls, restart, revocations, clocks, signals, 'cost-by-size': costBySize }) {
  const charts = {};
  if (calls !== undefined) {
    charts.calls = draw({
      title: 'Introspection requests per token and lifetime, by number of processes',
      x: { type: 'category', data: calls.rows.map(({ instances }) => String(instances)), name: 'processes' },
      y: { min: 0 },
      series: ['shared', 'unshared'].map((kind) => ({
        type: 'line',
        name: kind === 'shared' ? 'with the store' : 'without the store',
        symbolSize: 8,
        data: calls.rows.map((row) => Number(row[kind].perLifetime.toFixed(2))),
        label: { show: true, position: 'top', color: TEXT_COLOR },
      })),
    });
  }
  if (restart !== undefined) {
    charts.restart = draw({
      title: `Introspection requests per second while one of ${restart.instances} processes restarts`,
      x: { type: 'category', data: restart.series.map(({ second }) => String(second)), name: 'seconds' },
      y: { min: 0 },
      series: ['shared', 'unshared'].map((kind, index) => ({
        type: 'bar',
        name: kind === 'shared' ? 'with the store' : 'without the store',
        data: restart.series.map((row) => row[kind]),
        ...(index === 0 && {
          markLine: {
            symbol: 'none',
            label: { formatter: 'running again', color: TEXT_COLOR },
            lineStyle: { color: TEXT_COLOR },
            data: [{ xAxis: String(Math.floor(restart.backAtSecond)) }],
          },
        }),
      })),
    });
  }
  if (revocations !== undefined) {
    const kinds = { '': revocations, ', clocks minutes apart': clocks };
    charts.revocations = draw({
      title: `Share of revocations by the time since invalidate() in one of ${revocations.instances} processes`,
      x: { type: 'value', name: 'ms', min: 0 },
      y: { min: 0, max: 100, axisLabel: { formatter: '{value} %', color: TEXT_COLOR } },
      series: Object.entries(kinds)
        .filter(([, measured]) => measured !== undefined)
        .flatMap(([name, { millis }], index) =>
          ['accepted', 'rejected'].map((kind) => ({
            type: 'line',
            step: 'end',
            showSymbol: false,
            name: `${kind === 'accepted' ? 'no process accepts the token' : 'all processes responded with 401'}${name}`,
            color: kind === 'accepted' ? MAIN_COLOR : OTHER_COLOR,
            lineStyle: { type: index === 0 ? 'solid' : 'dashed' },
            data: shareLine(millis[kind]),
          })),
        ),
    });
  }
  if (signals !== undefined) {
    charts.signals = draw({
      title: `Share of signals by the time since their response, in one of ${signals.instances} processes`,
      x: { type: 'value', name: 'ms', min: 0 },
      y: { min: 0, max: 100, axisLabel: { formatter: '{value} %', color: TEXT_COLOR } },
      series: [
        { name: 'no process accepts a token of the user', data: shareLine(signals.millis.accepted) },
        { name: 'for comparison: time from the request to its response', data: shareLine(signals.millis.handling) },
      ].map((series) => ({ type: 'line', step: 'end', showSymbol: false, ...series })),
    });
  }
  if (costBySize !== undefined) {
    charts.cost = draw({
      title: 'CPU microseconds of Redis for a request, by number of processes',
      x: { type: 'category', data: costBySize.rows.map(({ instances }) => String(instances)), name: 'processes' },
      y: { min: 0 },
      series: ['miss', 'shared'].map((kind) => ({
        type: 'line',
        name: kind === 'miss' ? 'a token that is not cached' : 'a token that another process has cached',
        symbolSize: 8,
        data: costBySize.rows.map((row) => (row[kind] === undefined ? null : Number(row[kind].micros.toFixed(1)))),
        label: { show: true, position: 'top', color: TEXT_COLOR },
      })),
    });
  }
  return charts;
}

/** Points of a line: each time, and the share of times that are at most as long, in percent. */
function shareLine(millis) {
  const sorted = [...millis].sort((a, b) => a - b);
  return sorted.map((value, index) => [
    Number(value.toFixed(2)),
    Number((((index + 1) / sorted.length) * 100).toFixed(1)),
  ]);
}

function draw({ title, x, y, series }) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 340 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: [MAIN_COLOR, OTHER_COLOR],
    title: { text: title, left: 12, top: 10, textStyle: { fontSize: 13, fontWeight: 'bold', color: TEXT_COLOR } },
    legend: { left: 12, top: 32, itemGap: 10, itemWidth: 18, textStyle: { color: TEXT_COLOR } },
    grid: { left: 60, right: 84, top: 76, bottom: 34 },
    xAxis: { nameTextStyle: { color: TEXT_COLOR }, axisLabel: { color: TEXT_COLOR }, splitLine: { show: false }, ...x },
    yAxis: { type: 'value', axisLabel: { color: TEXT_COLOR }, splitLine: { lineStyle: { color: GRID_COLOR } }, ...y },
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
