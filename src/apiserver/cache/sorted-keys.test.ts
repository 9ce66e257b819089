import { expect, it } from "vitest";
import { SeededRandom } from "../../kit/index.ts";
import { SortedKeys } from "./sorted-keys.ts";

it("is a sorted set under random changes", () => {
  const random = new SeededRandom(7);
  const keys = new SortedKeys();
  const model = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const key = `n${random.int(20)}/k${random.int(60)}`;
    if (model.has(key)) {
      keys.delete(key);
      model.delete(key);
    } else {
      keys.add(key);
      model.add(key);
    }
  }
  const sorted = [...model].toSorted();
  expect(keys.slice()).toEqual(sorted);
  expect(keys.size).toBe(model.size);
  expect(keys.slice("n1/", "n10")).toEqual(sorted.filter((k) => k >= "n1/" && k < "n10"));
  expect(keys.slice("n5/k3")).toEqual(sorted.filter((k) => k >= "n5/k3"));
  keys.delete("absent");
  expect(keys.size).toBe(model.size);
});
