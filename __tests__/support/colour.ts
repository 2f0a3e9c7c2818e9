type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Linear RGB as colour-blind people see it (Machado, Oliveira and Fernandes 2009, severity 1). */
const BLINDNESS: Readonly<Record<string, Matrix>> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const TO_CONES: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];

const TO_OKLAB: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

const LUMINANCE: Triple = [0.2126, 0.7152, 0.0722];

/** Smallest OKLab distance between two of the colours, for full colour vision and for each kind of colour blindness. */
export function leastDifference(colours: readonly string[]): number {
  const sights = [undefined, ...Object.values(BLINDNESS)];
  return Math.min(
    ...sights.flatMap((sight) => {
      const seen = colours.map((hex) => oklab(sight === undefined ? linear(hex) : times(sight, linear(hex))));
      return seen.flatMap((one, i) => seen.slice(i + 1).map((other) => distance(one, other)));
    }),
  );
}

/** Contrast ratio of WCAG 2. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [one, other].map((hex) => dot(LUMINANCE, linear(hex))).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function linear(hex: string): Triple {
  const [, red = '', green = '', blue = ''] = /^#(..)(..)(..)$/.exec(hex) ?? [];
  return map([red, green, blue], (part) => {
    const value = Number.parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

function oklab(rgb: Triple): Triple {
  const inGamut = map(rgb, (value) => Math.min(1, Math.max(0, value)));
  return times(TO_OKLAB, map(times(TO_CONES, inGamut), Math.cbrt));
}

function times(matrix: Matrix, vector: Triple): Triple {
  return map(matrix, (row) => dot(row, vector));
}

function dot(one: Triple, other: Triple): number {
  return one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
}

function distance(one: Triple, other: Triple): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

function map<Item>(items: readonly [Item, Item, Item], change: (item: Item) => number): Triple {
  return [change(items[0]), change(items[1]), change(items[2])];
}
