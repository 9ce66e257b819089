import { testEnv } from "../../kit/index.ts";
import { runtimeConformance } from "./conformance.ts";
import { SimulatedRuntime } from "./simulated.ts";

function exitOf(command: readonly string[] | undefined): number | undefined {
  const code = /(?:^|; )exit (\d+)$/.exec(command?.[2] ?? "")?.[1];
  return code === undefined ? undefined : Number(code);
}

runtimeConformance("simulated", async () => {
  const env = testEnv();
  const image = "k8ts.local/demo:latest";
  const { runtime } = new SimulatedRuntime({
    ...env,
    images: [image],
    program: ({ command }) => {
      const exitCode = exitOf(command as readonly string[] | undefined);
      return exitCode === undefined ? {} : { endsAfterMs: 10, exitCode };
    },
    exec: (_, command) => (command[0] === "sleep" ? { afterMs: 100_000 } : { exitCode: exitOf(command) ?? 0 }),
  });
  return {
    runtime,
    image,
    logDirectory: "/logs",
    clock: env.clock,
    until: async (condition) => {
      for (let i = 0; i < 1000 && !(await condition()); i++) await env.clock.advance(5);
    },
    close: async () => undefined,
  };
});
