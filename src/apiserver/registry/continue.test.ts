import { describe, expect, it } from "vitest";
import { decodeContinue, encodeContinue } from "./continue.ts";

const raw = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("continue tokens", () => {
  it("are upstream's", () => {
    const token = { revision: 7, start: "default/a\0" };
    expect(encodeContinue(token)).toBe(raw({ v: "meta.k8s.io/v1", rv: 7, start: "default/a\0" }));
    expect(decodeContinue(encodeContinue(token))).toEqual(token);
    expect(decodeContinue(encodeContinue({ revision: -1, start: "a" }))).toEqual({ revision: -1, start: "a" });
  });

  it.each([
    ["no JSON", "xxx", "continue key is not valid"],
    ["no object", raw(null), "server does not recognize this encoded version"],
    ["another version", raw({ v: "v2", rv: 1, start: "a" }), "server does not recognize this encoded version v2"],
    ["no revision", raw({ v: "meta.k8s.io/v1", rv: 0, start: "a" }), "incorrect encoded start resourceVersion"],
    ["no start", raw({ v: "meta.k8s.io/v1", rv: 1, start: "" }), "encoded start key empty"],
    ["a way out", raw({ v: "meta.k8s.io/v1", rv: 1, start: "../secrets/a" }), "continue key is not valid"],
    ["a way out behind", raw({ v: "meta.k8s.io/v1", rv: 1, start: "a/../../b" }), "continue key is not valid"],
    ["an absolute path", raw({ v: "meta.k8s.io/v1", rv: 1, start: "/a" }), "continue key is not valid"],
  ])("refuses %s", (_name, token, message) => {
    expect(() => decodeContinue(token)).toThrow(message);
  });
});
