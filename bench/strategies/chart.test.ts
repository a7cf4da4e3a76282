import { expect, test } from "vitest";
import { scatterChart } from "./chart.ts";

const point = (name: string, x: number, y: number) => ({
  name,
  x,
  y,
  low: y - 0.1,
  high: y + 0.1,
  baseline: false,
});

test("places follow the logarithm of x and the share y, and names are escaped", () => {
  const svg = scatterChart("A & B", "forwards", "exact", [
    {
      title: "canvas of 128",
      points: [point("ten", 10, 0.5), point('a "<b>"', 20, 1), point("hundred", 100, 0)],
    },
  ]);
  const places = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  // ticks 10, 20, 50, 100 span the plot from 56 to 476; y runs down from 40 over 300
  expect(places).toEqual([
    [56, 190],
    [182.4, 40],
    [476, 340],
  ]);
  expect(svg).toContain("a &quot;&lt;b>&quot;");
  expect(svg).toContain('aria-label="A &amp; B"');
  expect(svg.match(/<g /g)).toHaveLength(svg.match(/<\/g>/g)!.length);
});

test("values outside the ticks and single points stay finite", () => {
  const svg = scatterChart("t", "x", "y", [
    { title: "p", points: [point("one", 0.5, 0.2)] },
    { title: "q", points: [] },
  ]);
  expect(svg).not.toMatch(/NaN|Infinity/);
});
