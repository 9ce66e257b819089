import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../kit/index.ts";
import { byteLess, KeyRange } from "./key-order.ts";
import { OrderedTree } from "./ordered-tree.ts";

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const LETTERS = ["a", "b", "/", "\0", "é", "中", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10ffff}"];

function text(random: SeededRandom, letters: number): string {
  return Array.from({ length: 1 + random.int(4) }, () => LETTERS[random.int(letters)]).join("");
}

function keysOf(tree: OrderedTree<string>, start = "", end = ""): string[] {
  const keys: string[] = [];
  tree.scan(start, end, (key) => keys.push(key) > 0);
  return keys;
}

describe("order of keys", () => {
  it("is that of their UTF-8 bytes", () => {
    const random = new SeededRandom(1);
    for (let i = 0; i < 2000; i++) {
      const [a, b] = [text(random, LETTERS.length), text(random, LETTERS.length)];
      expect([a, b, byteLess(a, b)]).toEqual([a, b, byBytes(a, b) < 0]);
      const range = new KeyRange(a, b);
      const key = text(random, LETTERS.length);
      expect([key, a, b, range.has(key)]).toEqual([key, a, b, byBytes(key, a) >= 0 && byBytes(key, b) < 0]);
    }
  });
});

describe("ordered tree", () => {
  for (const letters of [3, LETTERS.length]) {
    it(`agrees with a sorted list through any changes (${letters} letters)`, () => {
      const random = new SeededRandom(letters);
      const tree = new OrderedTree<string>(() => 1);
      const truth = new Set<string>();
      for (let i = 0; i < 6000; i++) {
        const key = `${text(random, letters)}${random.int(40)}`;
        // Grows for the first half, shrinks for the second.
        if (random.int(10) < (i < 3000 ? 8 : 2)) {
          expect(tree.set(key, key)).toBe(truth.has(key) ? key : undefined);
          truth.add(key);
        } else {
          tree.delete(key);
          truth.delete(key);
        }
        if (i % 200 !== 0) continue;
        const sorted = [...truth].toSorted(byBytes);
        expect(keysOf(tree)).toEqual(sorted);
        expect(tree.size).toBe(truth.size);
        const [start, end] = [text(random, letters), text(random, letters)];
        const within = sorted.filter((each) => byBytes(each, start) >= 0 && byBytes(each, end) < 0);
        expect(keysOf(tree, start, end)).toEqual(within);
        expect(tree.weightOf(start, end)).toBe(within.length);
        expect(tree.weightOf(start, "")).toBe(sorted.filter((each) => byBytes(each, start) >= 0).length);
      }
      for (const key of truth) tree.delete(key);
      expect([tree.size, tree.weightOf("", ""), keysOf(tree)]).toEqual([0, 0, []]);
    });
  }

  it("stops where the visitor wants", () => {
    const tree = new OrderedTree<string>(() => 1);
    for (let i = 100; i < 600; i++) tree.set(String(i), String(i));
    const seen: string[] = [];
    tree.scan("200", "", (key) => seen.push(key) < 3);
    expect(seen).toEqual(["200", "201", "202"]);
  });

  it("forks: neither sees what the other changes", () => {
    const random = new SeededRandom(3);
    const trees = [new OrderedTree<number>(() => 1)];
    const truths = [new Map<string, number>()];
    for (let i = 0; i < 5000; i++) {
      const which = random.int(trees.length);
      const [tree, truth] = [trees[which], truths[which]];
      if (!tree || !truth) throw new Error("no such tree");
      const key = String(random.int(400));
      if (random.int(3) === 0) {
        tree.delete(key);
        truth.delete(key);
      } else {
        tree.set(key, i);
        truth.set(key, i);
      }
      if (i % 1000 === 500) {
        trees.push(tree.fork());
        truths.push(new Map(truth));
      }
    }
    for (const [which, truth] of truths.entries()) {
      const values: number[] = [];
      trees[which]?.scan("", "", (value) => values.push(value) > 0);
      expect(values).toEqual([...truth].toSorted(([a], [b]) => byBytes(a, b)).map(([, value]) => value));
    }
  });
});
