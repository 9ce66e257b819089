import { runCommand } from "./commands.ts";
import { reportFailure } from "./output.ts";

/** Runs one `k8ts` command line and returns its exit code. Never throws, never prints a stack trace. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await runCommand(args);
  } catch (error) {
    return reportFailure(error);
  }
}
