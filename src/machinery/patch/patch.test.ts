import { describe, expect, it } from "vitest";
import { StatusError } from "../errors/status-error.ts";
import { jsonPatch, MAX_PATCH_OPERATIONS } from "./json-patch.ts";
import { createMergePatch, mergePatch } from "./merge-patch.ts";

function statusOf(fn: () => unknown): StatusError {
  try {
    fn();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const OK: readonly (readonly [string, unknown, unknown, unknown])[] = [
  ["add a field", { a: 1 }, [{ op: "add", path: "/b", value: { c: 2 } }], { a: 1, b: { c: 2 } }],
  ["insert", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
  ["append", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
  ["negative index", { a: [1, 2] }, [{ op: "remove", path: "/a/-1" }], { a: [1] }],
  ["remove", { a: 1, b: 2 }, [{ op: "remove", path: "/a" }], { b: 2 }],
  ["replace", { a: { b: [1] } }, [{ op: "replace", path: "/a/b/0", value: null }], { a: { b: [null] } }],
  ["replace what is not there", { a: {} }, [{ op: "replace", path: "/a/b", value: 1 }], { a: { b: 1 } }],
  ["replace the root", { a: {} }, [{ op: "replace", path: "", value: { b: 1 } }], { b: 1 }],
  ["escapes", { m: { "a/b~c": 1 } }, [{ op: "replace", path: "/m/a~1b~0c", value: 2 }], { m: { "a/b~c": 2 } }],
  ["move", { a: { x: 1 }, b: {} }, [{ op: "move", from: "/a/x", path: "/b/y" }], { a: {}, b: { y: 1 } }],
  ["copy", { a: { x: 1 } }, [{ op: "copy", from: "/a", path: "/b" }], { a: { x: 1 }, b: { x: 1 } }],
  [
    "test",
    { a: { x: [1, { y: null }] } },
    [{ op: "test", path: "/a/x", value: [1, { y: null }] }],
    { a: { x: [1, { y: null }] } },
  ],
];

describe("jsonPatch", () => {
  it.each(OK)("%s", (_, document, patch, result) => {
    const before = structuredClone(document);
    expect(jsonPatch(document, patch)).toEqual(result);
    expect(document).toEqual(before);
  });

  it.each([
    [
      [{ op: "remove", path: "/x" }],
      "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      [{ op: "add", path: "/x/y", value: 1 }],
      'add operation does not apply: doc is missing path: "/x/y": missing value',
    ],
    [[{ op: "add", path: "/list/7", value: 1 }], "Unable to access invalid index: 7: invalid index referenced"],
    [[{ op: "test", path: "/a", value: 2 }], "testing value /a failed: test failed"],
    [[{ op: "poke", path: "/a" }], "Unexpected kind: poke"],
    [[{ op: "add", path: "/constructor/prototype/x", value: 1 }], "does not apply"],
    [[{ op: "add", path: "/__proto__/x", value: 1 }], "does not apply"],
    [[{ op: "copy", from: "/a", path: "/big" }, ...Array(30).fill({ op: "copy", from: "", path: "/x" })], "copy"],
  ])("422: %j", (patch, cause) => {
    const error = statusOf(() => jsonPatch({ a: 1, list: [] }, patch));
    expect(error.status).toMatchObject({ code: 422, reason: "Invalid", details: {} });
    expect(error.message).toBe("the server rejected our request due to an error in our request");
    expect((error.cause as Error).message).toContain(cause);
  });

  it("bounds the growth by copies", () => {
    const patch = Array.from({ length: 40 }, () => ({ op: "copy", from: "/list", path: "/list/-" }));
    const error = statusOf(() => jsonPatch({ list: ["x".repeat(100)] }, patch));
    expect((error.cause as Error).message).toContain("exceeding the limit 3145728");
  });

  it("bounds the operations", () => {
    const patch = Array(MAX_PATCH_OPERATIONS + 1).fill({ op: "test", path: "/a", value: 1 });
    const error = statusOf(() => jsonPatch({ a: 1 }, patch));
    expect(error.code).toBe(413);
    expect(error.message).toBe(
      "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
    );
    expect(statusOf(() => jsonPatch({}, { op: "add" })).code).toBe(400);
  });

  it("keeps __proto__ data", () => {
    const result = jsonPatch({}, [{ op: "add", path: "/__proto__", value: { x: 1 } }]) as object;
    expect(Object.hasOwn(result, "__proto__")).toBe(true);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe("mergePatch", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: "x" }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ])("%j + %j", (document, patch, result) => {
    const before = structuredClone(document);
    expect(mergePatch(document, patch)).toEqual(result);
    expect(document).toEqual(before);
  });

  it("refuses what is no object", () => {
    expect(statusOf(() => mergePatch({}, "x")).status).toMatchObject({ code: 400, message: "Invalid JSON Patch" });
  });

  it("is undone by createMergePatch", () => {
    const a = { x: 1, y: { z: [1], w: "a" }, gone: true };
    const b = { x: 2, y: { z: [2], v: null, w: "a" }, added: { n: {} } };
    expect(createMergePatch(a, a)).toBeUndefined();
    expect(createMergePatch(a, { ...a, x: 2 })).toEqual({ x: 2 });
    expect(mergePatch(a, createMergePatch(a, { ...b, y: { z: [2], w: "a" } }))).toEqual({
      ...b,
      y: { z: [2], w: "a" },
    });
  });
});
