/** Exit codes of the `k8ts` command. Scripts may rely on them. */
export const EXIT = {
  ok: 0,
  /** Something went wrong; stderr says what and what to do. */
  failed: 1,
  /** The command line or a configuration file cannot be used. */
  usage: 2,
  /** The cluster does not exist or does not run. */
  notRunning: 3,
} as const;

/** A failure that the user can do something about: printed as one sentence and a hint, never as a stack trace. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The command line or a file handed to it is wrong. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage, ...(hint && { hint }) });
}

/** The cluster that a command is about does not exist. */
export function noCluster(name: string): CliError {
  return new CliError(`there is no cluster named ${name}`, {
    hint: `make it with: k8ts up --name ${name}; see all with: k8ts list`,
    exitCode: EXIT.notRunning,
  });
}
