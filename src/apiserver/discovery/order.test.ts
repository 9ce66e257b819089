import { expect, it } from "vitest";
import { compareVersions } from "./order.ts";

it("puts the most stable and newest version first", () => {
  const versions = [
    "v1alpha1",
    "foo10",
    "v2beta1",
    "v10",
    "v11alpha2",
    "v2",
    "v3beta1",
    "v12alpha1",
    "foo1",
    "v11beta2",
    "v1",
  ];
  expect(versions.toSorted((a, b) => compareVersions(b, a))).toEqual([
    "v10",
    "v2",
    "v1",
    "v11beta2",
    "v3beta1",
    "v2beta1",
    "v12alpha1",
    "v11alpha2",
    "v1alpha1",
    "foo1",
    "foo10",
  ]);
});
