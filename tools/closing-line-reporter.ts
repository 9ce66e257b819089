import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with one plain line that scripts can read: `N passed, N failed, N skipped`, after the reasons of what was skipped. */
export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skipped = new Map<string, number>();
    for (const module of modules) {
      if (module.state() === "failed" && [...module.children.allTests()].length === 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        counts[result.state]++;
        if (result.state === "skipped") {
          const why = result.note ?? (test.parent.type === "suite" ? test.parent.name : "no reason given");
          skipped.set(why, (skipped.get(why) ?? 0) + 1);
        }
      }
    }
    for (const [why, count] of skipped) console.log(`skipped ${count}: ${why}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

// Vitest loads a reporter by its default export.
// oxlint-disable-next-line import/no-default-export
export default ClosingLineReporter;
