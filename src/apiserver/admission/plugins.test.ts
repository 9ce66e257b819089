import { describe, expect, it } from "vitest";
import { wellKnown } from "../../api/index.ts";
import { testEnv } from "../../kit/index.ts";
import { builtinAdmission, defaultAdmission } from "./index.ts";
import { PLUGINS } from "./plugins.ts";
import { lookupOf } from "./testing.ts";

const parts = { lookup: lookupOf(), env: testEnv(), authorizers: () => [] };

describe("the built-in plugins", () => {
  it("have upstream's order and defaults", () => {
    const ours = new Set(PLUGINS.map(([name]) => name));
    const facts = wellKnown().admissionPlugins.filter(([name]) => ours.has(name));
    expect(PLUGINS.map(([name, on]) => [name, on])).toEqual(facts);
  });

  it("go by the names they are listed under", () => {
    for (const [name, , create] of PLUGINS) expect([name, undefined]).toContain(create(parts, () => [])?.name);
  });

  it("are switched by name", () => {
    const names = (list: readonly { readonly name: string }[]): string[] => list.map((plugin) => plugin.name);
    expect(names(defaultAdmission(parts))).toContain("NodeRestriction");
    const chosen = names(builtinAdmission(parts, { enable: ["AlwaysDeny"], disable: ["Priority"] }));
    expect(chosen).toContain("AlwaysDeny");
    expect(chosen).not.toContain("Priority");
    expect(() => builtinAdmission(parts, { enable: ["Nope"] })).toThrow('Unknown admission plugin "Nope"');
  });
});
