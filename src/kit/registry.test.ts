import { describe, expect, it } from "vitest";
import { formatFloat } from "./exposition.ts";
import { createMetrics, exponentialBuckets } from "./registry.ts";

describe("createMetrics", () => {
  it("exposes the Prometheus text format, sorted", () => {
    const metrics = createMetrics();
    const requests = metrics.counter("requests_total", { help: "All\nof \\them", labels: ["verb", "code"] });
    requests.inc({ verb: "GET", code: "200" });
    requests.inc({ code: "200", verb: "GET" }, 2);
    requests.inc({ verb: 'a"b\\c\nd', code: "0" });
    metrics.gauge("depth", { labels: [] });
    const seconds = metrics.histogram("seconds", { help: "H", labels: ["a"], buckets: [0.1, 1] });
    for (const v of [0.05, 0.1, 0.5, 3]) seconds.observe(v, { a: "x" });
    expect(metrics.expose()).toBe(
      [
        "# HELP depth ",
        "# TYPE depth gauge",
        "depth 0",
        "# HELP requests_total All\\nof \\\\them",
        "# TYPE requests_total counter",
        'requests_total{code="200",verb="GET"} 3',
        'requests_total{code="0",verb="a\\"b\\\\c\\nd"} 1',
        "# HELP seconds H",
        "# TYPE seconds histogram",
        'seconds_bucket{a="x",le="0.1"} 2',
        'seconds_bucket{a="x",le="1"} 3',
        'seconds_bucket{a="x",le="+Inf"} 4',
        'seconds_sum{a="x"} 3.65',
        'seconds_count{a="x"} 4',
        "",
      ].join("\n"),
    );
  });

  it("gives the same metric for the same name, and refuses another type or label", () => {
    const metrics = createMetrics();
    expect(metrics.counter("c", { labels: ["x"] })).toBe(metrics.counter("c"));
    expect(() => metrics.gauge("c")).toThrow("metric c is a counter, cannot also be a gauge");
    expect(() => metrics.counter("c").inc({ y: "1" })).toThrow('metric c has no label "y", only: x');
  });

  it("takes undeclared labels from the first sample, and hides families without series", () => {
    const metrics = createMetrics();
    metrics.counter("empty_total", { labels: ["x"] });
    metrics.gauge("up").set(1, { job: "a" });
    metrics.gauge("up").set(0, { job: "b" });
    expect(metrics.expose()).toBe('# HELP up \n# TYPE up gauge\nup{job="a"} 1\nup{job="b"} 0\n');
  });

  it("calls collect hooks before each exposition", () => {
    const metrics = createMetrics();
    let n = 0;
    metrics.onCollect(() => metrics.gauge("n").set(++n));
    metrics.expose();
    expect(metrics.expose()).toContain("\nn 2\n");
  });
});

describe("formatFloat", () => {
  it.each([
    [0, "0"],
    [1, "1"],
    [0.1, "0.1"],
    [1e-8, "1e-08"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [123456789, "123456789"],
    [1e21, "1e+21"],
    [-1.5e-10, "-1.5e-10"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
    [NaN, "NaN"],
  ])("%d is %s", (value, text) => expect(formatFloat(value)).toBe(text));
});

it("exponentialBuckets multiplies", () => expect(exponentialBuckets(1, 2, 4)).toEqual([1, 2, 4, 8]));
