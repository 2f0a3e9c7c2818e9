import { startChild } from '../support/child.js';

const LIMIT_MS = 120_000;
const TARGETS = 10;

describe('the fuzz targets', () => {
  it(
    'accept the library with every committed input, and get past its checks',
    async () => {
      const fuzz = startChild('bench/fuzz.mjs', ['--replay']);
      expect([await fuzz.exit, fuzz.errorOutput()]).toEqual([0, '']);
      const results = fuzz.lines.map((line) =>
        /^[\w-]+: (\d+) inputs, (\d+) admitted$/.exec(line)?.slice(1).map(Number),
      );
      expect(results).toHaveLength(TARGETS);
      for (const [inputs, admitted] of results as [number, number][]) {
        expect(inputs).toBeGreaterThan(10);
        expect(admitted).toBeGreaterThan(0);
      }
    },
    LIMIT_MS,
  );

  it(
    'reject the library without one of its guards, and with output that holds the input',
    async () => {
      const fuzz = startChild('bench/fuzz.mjs', ['--guards']);
      expect([await fuzz.exit, fuzz.errorOutput()]).toEqual([0, '']);
      expect(fuzz.lines.filter((line) => line.startsWith('failure: ')).length).toBeGreaterThan(TARGETS * 3);
    },
    LIMIT_MS,
  );
});
