import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { CHANNELS } from '../../lib/diagnostics/channels.js';
import { securityEvents } from '../../lib/signals/index.js';
import { createApi, createApp, get } from '../support/api.js';
import { ROOT } from '../support/child.js';
import { createClock } from '../support/clock.js';
import { createEndpoint, json } from '../support/endpoint.js';
import { CLIENT, createRecorder, eventClaims, ISSUER, postEvent } from '../support/signals.js';
import { createTelemetry, instrumented, type Metric } from '../support/telemetry.js';
import { createIssuerKey, signToken } from '../support/transmitter.js';
import { until } from '../support/until.js';

/** Every metric with every attribute, from the SDK and in the text that Prometheus scrapes. */
interface Published {
  readonly metrics: Record<string, Metric>;
  readonly scrape: string;
}

const KEY = createIssuerKey();

/** Labels that Prometheus itself adds. */
const OF_PROMETHEUS = ['job', 'instance'];

/** A variable of Grafana. */
const DATA_SOURCE = '$' + '{datasource}';
const DASHBOARD = JSON.parse(readFileSync(join(ROOT, 'example-app/grafana-dashboard.json'), 'utf8'));
const PAGE = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');

afterEach(() => {
  jest.restoreAllMocks();
});

/** Traffic of every kind: cache hits, introspection requests, stale responses, rejections, outages and an open circuit breaker. */
async function publish(): Promise<Published> {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const telemetry = createTelemetry();
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const clock = createClock();
  const endpoint = await createEndpoint({ active: true });
  const api = createApi(endpoint, { clock, cache: { ttlSeconds: 10, staleIfErrorSeconds: 60 } });
  const middlewares = { api: api.authenticate };
  instrumented(telemetry, { middlewares });
  instrumented(telemetry, { middlewares, meterProvider: new MeterProvider({ readers: [exporter] }) });

  for (const token of ['a', 'a', undefined]) await api.get(token);
  endpoint.script = { active: false };
  await api.get('b').expect(401);
  endpoint.script = (_asked, res) => json(res, {}, 401);
  // After 5 failures, a random token of the middleware confirms that the endpoint is down.
  for (const token of ['c1', 'c2', 'c3', 'c4', 'c5']) await api.get(token).expect(503);
  await until(() => warned.mock.calls.length > 0);
  endpoint.script = ({ form }, res) =>
    form.get('token')?.startsWith('odd') ? json(res, {}, 500) : json(res, { active: false });
  for (const token of ['odd1', 'odd2', 'odd3', 'odd4', 'odd5']) await api.get(token).expect(503);
  clock.advance(11);
  endpoint.script = (_asked, res) => json(res, {}, 500);
  await api.get('a').expect(200);
  for (const token of 'defghij') await api.get(token).expect(503);
  const handler = securityEvents({
    authenticate: createRecorder(),
    issuer: ISSUER,
    audience: CLIENT,
    keys: KEY.publicKey,
  });
  await postEvent(handler, await signToken(KEY, { typ: 'secevent+jwt' }, eventClaims(Math.floor(Date.now() / 1000))));
  await postEvent(handler, 'no token');

  const { app } = createApp((req, res) => exporter.getMetricsRequestHandler(req, res));
  return { metrics: await telemetry.metrics(), scrape: (await get({ app })).text };
}

describe('the dashboard for Grafana', () => {
  interface Panel {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }
  const panels: Panel[] = DASHBOARD.panels;
  const variables: { name: string; type: string; query: string | { query: string } }[] = DASHBOARD.templating.list;
  const queries = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...variables.flatMap(({ query }) => (typeof query === 'object' ? [query.query] : [])),
  ];
  const selectors = queries.flatMap((query) => [...query.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)]);

  it('can be imported anywhere, because it has no identifier and asks for the data source', () => {
    expect(DASHBOARD).toMatchObject({ id: null, uid: 'express-token-introspection', title: 'Token introspection' });
    expect(variables[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const sources = [...JSON.stringify(DASHBOARD).matchAll(/"datasource":\{[^}]*"uid":"([^"]*)"/g)].map(
      ([, uid]) => uid,
    );
    expect(new Set(sources)).toEqual(new Set([DATA_SOURCE]));
    expect(new Set(DASHBOARD.panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
  });

  it('has only queries that find scraped metrics', async () => {
    const { scrape } = await publish();
    const series = scrape
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => /^(?<name>\w+)(?:\{(?<labels>.*)\})? /.exec(line)?.groups ?? {})
      .map(({ name, labels = '' }) => ({
        name,
        labels: new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value ?? ''])),
      }));
    const finds = (name: string, matchers: string) =>
      series.some(
        (candidate) =>
          candidate.name === name &&
          [...matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)]
            .filter(([, label]) => !OF_PROMETHEUS.includes(label as string))
            .every(([, label, operator, wanted]) => {
              const value = candidate.labels.get(label) ?? '';
              if (operator === '!=') return value !== wanted;
              return operator === '=' ? value === wanted : new RegExp(`^(?:${wanted})$`).test(value);
            }),
      );
    expect(selectors.length).toBeGreaterThan(10);
    const empty = selectors.filter(([, name, matchers]) => !finds(name as string, matchers as string));
    expect(empty.map(([selector]) => selector)).toEqual([]);

    const grouped = queries
      .flatMap((query) => [...query.matchAll(/by \(([^)]*)\)/g)])
      .flatMap(([, by]) => by?.split(', '));
    const labels = new Set(series.flatMap(({ labels }) => [...labels.keys()]));
    expect(grouped.length).toBeGreaterThan(3);
    expect(grouped.filter((label) => !labels.has(label) && !OF_PROMETHEUS.includes(label as string))).toEqual([]);
  });

  it('shows every metric', async () => {
    const { scrape } = await publish();
    const measured = [...scrape.matchAll(/^# TYPE (token_introspection_\w+) /gm)].map(([, name]) => name);
    const shown = new Set(selectors.map(([, name]) => name?.replace(/_(?:bucket|count)$/, '')));
    expect(shown).toEqual(new Set(measured));
  });
});

describe('docs/metrics.md', () => {
  const cells = (row: string) => row.split('|').map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word));
  const rows = (header: string) =>
    (PAGE.slice(PAGE.indexOf(`\n${header}`) + 1).split('\n\n', 1)[0] as string).split('\n').slice(2).map(cells);

  it('lists every metric with its unit and attributes, and no other', async () => {
    const { metrics } = await publish();
    const listed = rows('| metric | kind').map(([, name, , unit, attributes]) => [
      ...(name ?? []),
      ...(unit ?? []),
      ...(attributes ?? []).sort(),
    ]);
    const measured = Object.entries(metrics).map(([name, { unit, points }]) => [
      name,
      unit,
      ...new Set(points.flatMap(({ attributes }) => Object.keys(attributes)).sort()),
    ]);
    expect(listed.sort()).toEqual(measured.sort());
  });

  it('lists every channel', () => {
    expect(
      rows('| channel | when')
        .map(([, name]) => name?.[0])
        .sort(),
    ).toEqual(Object.values(CHANNELS).sort());
  });
});
