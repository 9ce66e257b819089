import { describe, expect, it } from "vitest";
import { CONTROLLERS } from "./registry.ts";
import { CONTROLLER_NAMES } from "./names.ts";
import { selectControllers } from "./selection.ts";

describe("selectControllers", () => {
  const has = (words: string[], name: string, gates = {}) => selectControllers(words, gates).has(name);

  it("takes * for what is on by default", () => {
    expect(has(["*"], "deployment-controller")).toBe(true);
    expect(has(["*"], "bootstrap-signer-controller")).toBe(false);
    expect(has(["*"], "service-lb-controller")).toBe(false);
    expect(has(["*"], "device-taint-eviction-controller")).toBe(false);
    expect(has([], "deployment-controller")).toBe(false);
  });

  it("takes names, aliases and exclusions, the first word about a name deciding", () => {
    expect(has(["*", "bootstrapsigner"], "bootstrap-signer-controller")).toBe(true);
    expect(has(["*", "-deployment"], "deployment-controller")).toBe(false);
    expect(has(["deployment", "-deployment-controller"], "deployment-controller")).toBe(true);
    expect([...selectControllers(["replicaset"])]).toEqual(["replicaset-controller"]);
  });

  it("obeys feature gates", () => {
    expect(has(["storage-version-migrator-controller"], "storage-version-migrator-controller")).toBe(false);
    expect(has(["*"], "storage-version-migrator-controller", { StorageVersionMigrator: true })).toBe(true);
  });

  it("refuses what names no controller", () => {
    expect(() => selectControllers(["*", "-deplyment"])).toThrow('"deplyment" is not in the list of known controllers');
  });
});

describe("the table of controllers", () => {
  it("has upstream's names, each once", () => {
    const names = CONTROLLERS.map((controller) => controller.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(CONTROLLER_NAMES[name]).toBeDefined();
  });
});
