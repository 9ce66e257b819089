import { expect, it } from "vitest";
import { describeDiff } from "./diff.ts";

it("shows what changed with three lines around it", () => {
  expect(describeDiff({ a: 1, b: { c: "x", d: [1, 2] } }, { b: { c: "y", d: [1, 2] }, a: 1 })).toBe(
    '@@ -1,7 +1,7 @@\n {\n   "a": 1,\n   "b": {\n-    "c": "x",\n+    "c": "y",\n     "d": [\n       1,\n       2\n',
  );
});

it("says nothing of equal objects", () => {
  expect(describeDiff({ a: 1 }, { a: 1 })).toBe("");
});
