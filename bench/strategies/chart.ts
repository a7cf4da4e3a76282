/** A point of a scatter chart. */
export interface Point {
  readonly name: string;
  /** Positive: the axis is logarithmic. */
  readonly x: number;
  /** A share. */
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Drawn apart from the others. */
  readonly baseline: boolean;
}

export interface Panel {
  readonly title: string;
  readonly points: readonly Point[];
}

const PLOT = { width: 420, height: 300, left: 56, top: 40 };
const LEGEND = 190;
const LINE = 14;

/**
 * Accuracy against forwards, one panel under the other, as an SVG document. Points carry numbers, a legend beside the
 * panel names them; bars are confidence intervals. It draws on the page's own ground, light or dark.
 */
export function scatterChart(
  title: string,
  xLabel: string,
  yLabel: string,
  panels: readonly Panel[],
): string {
  const heights = panels.map(({ points }) =>
    Math.max(PLOT.height + 90, PLOT.top + LINE * (points.length + 3)),
  );
  const width = PLOT.left + PLOT.width + 24 + LEGEND;
  let top = 30;
  const bodies = panels.map((panel, i) => {
    const body = `<g transform="translate(0 ${top})">${panelBody(panel, xLabel, yLabel)}</g>`;
    top += heights[i]!;
    return body;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" ` +
      `font-family="system-ui, sans-serif" font-size="11" role="img" aria-label="${escapeXml(title)}">`,
    "<style>text{fill:#333}.g{stroke:#8884;fill:none}.i{stroke:#5b6cb3;opacity:.45}.p{fill:#5b6cb3}.b{fill:#c2410c}" +
      "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>",
    `<text x="${PLOT.left}" y="20" font-size="14" font-weight="600">${escapeXml(title)}</text>`,
    ...bodies,
    "</svg>\n",
  ].join("\n");
}

function panelBody({ title, points }: Panel, xLabel: string, yLabel: string): string {
  const { width, height, left, top } = PLOT;
  const decades = decadesOf(points.map(({ x }) => x));
  const span = Math.log10(decades.at(-1)!) - Math.log10(decades[0]!);
  const xAt = (x: number) => left + (width * (Math.log10(x) - Math.log10(decades[0]!))) / span;
  const yAt = (y: number) => top + height * (1 - y);
  const parts = [`<text x="${left}" y="${top - 12}" font-weight="600">${escapeXml(title)}</text>`];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const y = fixed(yAt(share));
    parts.push(`<path class="g" d="M${left} ${y}H${left + width}"/>`);
    parts.push(`<text x="${left - 6}" y="${y}" text-anchor="end" dy=".32em">${100 * share} %</text>`);
  }
  for (const value of decades) {
    const x = fixed(xAt(value));
    parts.push(`<path class="g" d="M${x} ${top}V${top + height}"/>`);
    parts.push(`<text x="${x}" y="${top + height + 16}" text-anchor="middle">${value}</text>`);
  }
  parts.push(
    `<text x="${left + width / 2}" y="${top + height + 34}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(12 ${top + height / 2}) rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
  );
  for (const [i, { name, x, y, low, high, baseline }] of points.entries()) {
    const at = fixed(xAt(x));
    parts.push(`<path class="i" d="M${at} ${fixed(yAt(low))}V${fixed(yAt(high))}"/>`);
    parts.push(
      `<circle class="${baseline ? "b" : "p"}" cx="${at}" cy="${fixed(yAt(y))}" r="4"><title>${escapeXml(name)}</title></circle>`,
      `<text x="${fixed(xAt(x) + 6)}" y="${fixed(yAt(y) - 5)}">${i + 1}</text>`,
      `<text x="${left + width + 24}" y="${top + LINE * i}">${i + 1} ${escapeXml(name)}</text>`,
    );
  }
  return parts.join("\n");
}

/** 1, 2, 5, 10, ... around the values. */
function decadesOf(values: readonly number[]): number[] {
  const ticks = Array.from({ length: 5 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
  const low = Math.min(...values, 1000);
  const high = Math.max(...values, 2);
  const first = ticks.findLastIndex((tick) => tick <= low);
  const last = ticks.findIndex((tick) => tick >= high);
  const from = Math.max(0, first);
  return ticks.slice(from, Math.max(from + 2, last < 0 ? ticks.length : last + 1));
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
