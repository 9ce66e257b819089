import { parseArgs } from "node:util";
import { EXIT } from "../cli/errors.ts";
import { reportFailure } from "../cli/output.ts";
import { runServer } from "./run.ts";

/**
 * `k8ts server --name NAME`: the process that `up` starts in the background, and of use by hand or for a service manager to run a
 * cluster that `up` made in the foreground. Returns the exit code; never throws.
 */
export async function serverMain(args: readonly string[]): Promise<number> {
  let name: string | undefined;
  try {
    name = parseArgs({ args: [...args], options: { name: { type: "string", short: "n" } } }).values.name;
  } catch (error) {
    return reportFailure(error, EXIT.usage);
  }
  try {
    return await runServer(name ?? "local");
  } catch (error) {
    return reportFailure(error);
  }
}
