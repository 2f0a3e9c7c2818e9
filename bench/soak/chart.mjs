import * as echarts from 'echarts';

const TEXT_COLOR = '#3d4754';
const LINES = [
  { key: 'accepted', name: 'accepted', color: '#0a7d5a' },
  { key: 'stale', name: 'accepted with a stale response', color: '#7cc4a8' },
  { key: 'rejected', name: 'rejected (401, 403)', color: '#8a97a6' },
  { key: 'unavailable', name: '503', color: '#c8553d' },
  { key: 'calls', name: 'introspection requests', color: '#2f5d9b', dashed: true },
];
const TITLES = {
  strict: 'Default, without stale responses. Responses per second',
  lenient: 'With staleIfErrorSeconds',
};
const [TOP, HEIGHT, GAP] = [70, 190, 78];

/** Draws the responses of both APIs over time, with the faults shaded and named. */
export function drawTimeline({ timeline, phases }) {
  const names = Object.keys(TITLES);
  const width = 1100;
  const height = TOP + names.length * (HEIGHT + GAP);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const top = (index) => TOP + GAP / 2 + index * (HEIGHT + GAP);
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: names.map((name, index) => ({
      text: TITLES[name],
      left: 12,
      top: top(index) - 62 + (index === 0 ? 0 : 16),
      textStyle: { fontSize: 13, fontWeight: 'bold', color: TEXT_COLOR },
    })),
    legend: { top: 8, right: 20, itemGap: 26, data: LINES.map(({ name }) => name), textStyle: { color: TEXT_COLOR } },
    grid: names.map((_, index) => ({ left: 55, right: 20, top: top(index), height: HEIGHT })),
    xAxis: names.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      min: 0,
      max: timeline.length,
      axisLabel: { color: TEXT_COLOR, formatter: '{value} s' },
      splitLine: { show: false },
    })),
    yAxis: names.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      axisLabel: { color: TEXT_COLOR },
      splitLine: { lineStyle: { color: '#e6e9ed' } },
    })),
    series: names.flatMap((api, index) =>
      LINES.map(({ key, name, color, dashed }, position) => ({
        type: 'line',
        name,
        xAxisIndex: index,
        yAxisIndex: index,
        symbol: 'none',
        lineStyle: { width: 1.6, color, ...(dashed && { type: 'dashed' }) },
        itemStyle: { color },
        data: timeline.map((row, second) => [second, row[api]?.[key] ?? 0]),
        ...(position === 0 && { markArea: shadePhases(phases) }),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

/** Areas of the faults. Short phases in a row are one area. Labels alternate in height, so that neighbours do not overlap. */
function shadePhases(phases) {
  const areas = [];
  for (const { name, from, until, flaps } of phases) {
    const last = areas.at(-1);
    if (flaps && last?.flaps && last.name === name) last.until = until;
    else areas.push({ name, from, until, flaps });
  }
  return {
    silent: true,
    itemStyle: { color: '#f3d9a4', opacity: 0.45 },
    label: { color: TEXT_COLOR, fontSize: 9, position: 'top' },
    data: areas.map(({ name, from, until, flaps }, index) => [
      {
        name: flaps ? `${name}, on and off` : name,
        xAxis: from / 1000,
        label: { distance: index % 2 === 0 ? 3 : 14 },
      },
      { xAxis: until / 1000 },
    ]),
  };
}
