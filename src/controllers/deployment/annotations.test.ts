import { describe, expect, it } from "vitest";
import { deployment } from "../fixtures/objects.ts";
import { newSetAnnotations, REVISION, REVISION_HISTORY, revisionOf } from "./annotations.ts";

describe("newSetAnnotations", () => {
  it("copies the Deployment's annotations except its own", () => {
    const d = deployment(
      {},
      { annotations: { note: "x", [REVISION]: "7", "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
    );
    expect(newSetAnnotations(d, {}, 2)).toEqual({ note: "x", [REVISION]: "2" });
  });

  it("raises the revision only, and keeps the history", () => {
    expect(newSetAnnotations(deployment(), { [REVISION]: "5" }, 3)).toEqual({ [REVISION]: "5" });
    expect(newSetAnnotations(deployment(), { [REVISION]: "1" }, 3)).toEqual({
      [REVISION]: "3",
      [REVISION_HISTORY]: "1",
    });
    expect(newSetAnnotations(deployment(), { [REVISION]: "3", [REVISION_HISTORY]: "1" }, 5)).toEqual({
      [REVISION]: "5",
      [REVISION_HISTORY]: "1,3",
    });
  });

  it("cuts a long history at its start", () => {
    const history = Array.from({ length: 400 }, (_, i) => 1000 + i).join(",");
    const after = newSetAnnotations(deployment(), { [REVISION]: "1400", [REVISION_HISTORY]: history }, 1401);
    expect(after[REVISION_HISTORY]?.length).toBeLessThanOrEqual(2000);
    expect(after[REVISION_HISTORY]).toMatch(/^1001,.*,1400$/);
  });

  it("leaves an unreadable revision alone", () => {
    expect(newSetAnnotations(deployment(), { [REVISION]: "first" }, 3)).toEqual({ [REVISION]: "first" });
    expect(revisionOf({ metadata: { annotations: { [REVISION]: "first" } } })).toBeNaN();
  });
});
