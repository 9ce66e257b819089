import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { GATES } from "./gates.ts";

it("has the defaults that the facts have", () => {
  const url = new URL("../../../../tools/facts/kubernetes-v1.35/feature-gates.json", import.meta.url);
  const facts = JSON.parse(readFileSync(url, "utf8")) as { gates: { name?: string; default: boolean }[] };
  const known = new Map(
    Array.isArray(facts.gates)
      ? facts.gates.map((g) => [g.name, g.default])
      : Object.entries(facts.gates).map(([name, g]) => [name, (g as { default: boolean }).default]),
  );
  expect(Object.fromEntries(Object.keys(GATES).map((name) => [name, known.get(name)]))).toEqual(GATES);
});
