import { AsyncLocalStorage } from 'node:async_hooks';
import { type Attributes, type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type HistogramMetricData, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type InstrumentOptions, instrument } from '../../lib/opentelemetry/index.js';

export interface Point {
  readonly attributes: Attributes;
  /** Number of values of a histogram. */
  readonly value: number;
}

export interface Metric {
  readonly unit: string;
  readonly description: string;
  readonly points: readonly Point[];
}

export interface Telemetry {
  readonly meterProvider: MeterProvider;
  readonly tracerProvider: BasicTracerProvider;
  /** The metrics that would be exported now, by name. */
  metrics(): Promise<Record<string, Metric>>;
  /** The points of one metric. */
  points(name: string): Promise<readonly Point[]>;
  /** The spans that have ended, in order. */
  spans(): ReadableSpan[];
}

const stops: (() => unknown)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

/** The OpenTelemetry SDK with exporters in memory. */
export function createTelemetry(): Telemetry {
  const reader = new Reader();
  const exporter = new InMemorySpanExporter();
  const metrics = async (): Promise<Record<string, Metric>> => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw errors[0];
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return Object.fromEntries(
      all.map(({ descriptor: { name, unit, description }, dataPoints }) => {
        const points = (dataPoints as HistogramMetricData['dataPoints']).map(({ attributes, value }) => ({
          attributes,
          value: typeof value === 'number' ? value : value.count,
        }));
        return [name, { unit, description, points }];
      }),
    );
  };
  return {
    meterProvider: new MeterProvider({ readers: [reader] }),
    tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    metrics,
    points: async (name) => (await metrics())[name]?.points ?? [],
    spans: () => exporter.getFinishedSpans(),
  };
}

/** {@link instrument}, until the test ends. */
export function instrumented(telemetry: Telemetry, options: InstrumentOptions = {}): () => void {
  const { meterProvider, tracerProvider } = telemetry;
  const stop = instrument({ meterProvider, tracerProvider, ...options });
  stops.push(stop);
  return stop;
}

/** Uses a context manager like that of OpenTelemetry for Node, until the test ends. */
export function manageContexts(manager: ContextManager = new Manager()): void {
  context.setGlobalContextManager(manager);
  stops.push(() => context.disable());
}

export class Manager implements ContextManager {
  protected readonly _asyncLocalStorage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this._asyncLocalStorage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this._asyncLocalStorage.run(active, () => fn.call(thisArg as never, ...args));
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== 'function') return target;
    return ((...args: unknown[]) => this.with(active, () => target(...args))) as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this._asyncLocalStorage.disable();
    return this;
  }
}

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
