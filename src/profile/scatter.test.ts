import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../core/random.ts";
import { placeLabels } from "./placeLabels.ts";
import { type ScatterPoint, scatterPlot } from "./scatter.ts";

const axes = { x: { title: "MACs", kind: "count" }, y: { title: "accuracy", kind: "percent" } } as const;

test("labels of forty circles cover neither each other nor a circle", () => {
  const draws = random(7, "labels", 0);
  const frame = { left: 0, top: 0, right: 1200, bottom: 800 };
  const items = Array.from({ length: 40 }, (_, i) => ({
    x: 100 + 1000 * draws.uniform(2 * i),
    y: 60 + 680 * draws.uniform(2 * i + 1),
    ...{ radius: 4 + (i % 10), width: 90, height: 13 },
  }));
  const places = placeLabels(items, frame);
  for (const [i, a] of places.entries()) {
    assert.ok(a.x >= 45 && a.x <= 1155 && a.y >= 6 && a.y <= 794);
    for (const [j, b] of places.entries()) if (i < j) assert.ok(Math.abs(a.x - b.x) >= 90 || Math.abs(a.y - b.y) >= 13, `${i} ${j}`);
    for (const { x, y, radius } of items) assert.ok(Math.abs(a.x - x) >= 45 + 0.7 * radius || Math.abs(a.y - y) >= 6.5 + 0.7 * radius);
  }
});

test("a scatter holds a circle and a label for each point, escaped, and areas in proportion", () => {
  const points: ScatterPoint[] = [
    { label: "a<b", group: "1", x: 1e6, y: 0.5, params: 1e6 },
    { label: "c", group: "2", x: 1e9, y: 0.9, params: 4e6 },
  ];
  const svg = scatterPlot(points, { title: "t", ...axes });
  assert.ok(svg.includes("a&#60;b</text>") && svg.includes(">c</text>") && !svg.includes("NaN"));
  const radii = [...svg.matchAll(/ r="([\d.]+)" fill="#[0-9a-f]{6}" fill-opacity/g)].map(([, radius]) => Number(radius));
  assert.deepEqual(radii, [13, 26]);
  assert.match(svg, /stroke-dasharray/);
});

test("one point, equal points and a cost of nothing are drawn too", () => {
  const point = { label: "a", group: "1", x: 5, y: 0.5, params: 10 };
  for (const points of [[point], [point, { ...point, label: "b" }], [point, { ...point, label: "b", x: 0, y: 0 }]]) {
    assert.ok(!/NaN|Infinity/.test(scatterPlot(points, { title: "t", ...axes })));
  }
});
