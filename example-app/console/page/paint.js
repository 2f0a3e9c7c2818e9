/** Side of a pattern's tile in CSS pixels. It is a multiple of the period of each texture. */
const TILE = 12;

/** Gaps of each texture, as rectangles of a tile: x, y, width, height. They are horizontal, because chart columns are 4 pixels wide. */
const GAPS = {
  solid: [],
  striped: horizontalGaps(3, 1),
  ruled: horizontalGaps(6, 2),
  banded: horizontalGaps(12, 4),
  dotted: [0, 4, 8].flatMap((y) => [0, 4, 8].map((x) => [x + 1, y + 1, 2, 2])),
  checked: [0, 4, 8].flatMap((y) =>
    [0, 4, 8].flatMap((x) => [
      [x, y, 2, 2],
      [x + 2, y + 2, 2, 2],
    ]),
  ),
};

/** A fill style for a canvas, with this colour and texture. */
export function paint(color, texture) {
  const gaps = GAPS[texture] ?? [];
  if (gaps.length === 0) return css(color);
  const ratio = devicePixelRatio;
  const tile = document.createElement('canvas');
  tile.width = Math.round(TILE * ratio);
  tile.height = tile.width;
  const context = tile.getContext('2d');
  context.fillStyle = css(color);
  context.fillRect(0, 0, tile.width, tile.height);
  context.fillStyle = css('--surface');
  for (const gap of gaps) context.fillRect(...gap.map((side) => Math.round(side * ratio)));
  return context.createPattern(tile, 'repeat');
}

/** A sample for a legend: an area as the chart fills it. */
export function areaSwatch({ color, texture }) {
  return swatch((context, width, height) => {
    context.fillStyle = paint(color, texture);
    context.fillRect(0, 0, width, height);
  });
}

/** A sample for a legend: a line as the chart draws it. */
export function lineSwatch({ color, dash = [] }) {
  return swatch((context, width, height) => {
    context.strokeStyle = css(color);
    context.lineWidth = 2 * devicePixelRatio;
    context.setLineDash(dash.map((length) => length * devicePixelRatio));
    context.moveTo(0, height / 2);
    context.lineTo(width, height / 2);
    context.stroke();
  });
}

/** Value of a CSS variable. */
export function css(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

function swatch(draw) {
  const canvas = document.createElement('canvas');
  canvas.className = 'swatch';
  canvas.width = 20 * devicePixelRatio;
  canvas.height = TILE * devicePixelRatio;
  canvas.setAttribute('aria-hidden', 'true');
  draw(canvas.getContext('2d'), canvas.width, canvas.height);
  return canvas;
}

function horizontalGaps(period, gap) {
  return Array.from({ length: TILE / period }, (_, i) => [0, (i + 1) * period - gap, TILE, gap]);
}
