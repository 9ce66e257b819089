import { describe, it } from "vitest";
import { RealClock } from "../../src/kit/index.ts";
import { runtimeConformance } from "../../src/host/cri/conformance.ts";
import { STOCK_IMAGES } from "../../src/host/images/index.ts";
import { missing, startMachine } from "./machine.ts";

const reason = missing();
if (reason) describe.skip(`runtime contract: containerd (${reason})`, () => it("is skipped", () => undefined));
else {
  runtimeConformance("containerd", async () => {
    const machine = await startMachine();
    const clock = new RealClock();
    return {
      runtime: machine.runtime,
      image: STOCK_IMAGES.demo,
      logDirectory: `${machine.dir}/logs`,
      clock,
      until: async (condition) => {
        for (let i = 0; i < 1000 && !(await condition()); i++) await clock.sleep(20);
      },
      close: async () => machine[Symbol.asyncDispose](),
    };
  });
}
