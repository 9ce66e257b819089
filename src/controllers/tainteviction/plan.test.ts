import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import { stayUnder } from "./plan.ts";

const taint = (key: string, value = ""): corev1.Taint => ({ key, value, effect: "NoExecute" });

describe("stayUnder", () => {
  const cases: readonly (readonly [string, corev1.Taint[], corev1.Toleration[], unknown])[] = [
    ["stays without taints", [], [], { kind: "stay" }],
    ["leaves at once without tolerations", [taint("a")], [], { kind: "leave", afterMs: 0 }],
    ["stays for ever when tolerated without limit", [taint("a")], [{ key: "a", operator: "Exists" }], { kind: "stay" }],
    [
      "leaves after the shortest toleration",
      [taint("a"), taint("b")],
      [
        { key: "a", operator: "Exists", tolerationSeconds: 300 },
        { key: "b", operator: "Exists", tolerationSeconds: 60 },
      ],
      { kind: "leave", afterMs: 60_000 },
    ],
    [
      "needs every taint tolerated",
      [taint("a"), taint("b")],
      [{ key: "a", operator: "Exists" }],
      { kind: "leave", afterMs: 0 },
    ],
    ["compares values", [taint("a", "x")], [{ key: "a", value: "y" }], { kind: "leave", afterMs: 0 }],
    ["takes an empty key for all", [taint("a", "x")], [{ operator: "Exists" }], { kind: "stay" }],
    [
      "looks at the effect",
      [taint("a")],
      [{ key: "a", operator: "Exists", effect: "NoSchedule" }],
      { kind: "leave", afterMs: 0 },
    ],
    [
      "takes negative seconds as none",
      [taint("a")],
      [{ key: "a", operator: "Exists", tolerationSeconds: -5 }],
      { kind: "leave", afterMs: 0 },
    ],
  ];
  for (const [name, taints, tolerations, stay] of cases) {
    it(name, () => expect(stayUnder(taints, tolerations)).toEqual(stay));
  }
});
