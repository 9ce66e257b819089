import { errorText } from "../../kit/index.ts";
import type { PathHandler } from "../chain/chain.ts";
import type { Answer } from "../request/answer.ts";
import type { Query } from "../request/query.ts";

/** One thing that must hold for the server to be well. Throws or rejects with why it does not. */
export interface HealthCheck {
  readonly name: string;
  check(): void | Promise<void>;
  /** The endpoints it counts for. */
  readonly on: readonly ("healthz" | "livez" | "readyz")[];
}

interface Outcome {
  readonly name: string;
  readonly problem: string | undefined;
  readonly excluded: boolean;
}

const ENDPOINT = /^\/(healthz|livez|readyz)(?:\/(.+?))?\/?$/;

/** `/healthz`, `/livez`, `/readyz`, each with `?verbose`, `?exclude=<check>` and `/<check>`. */
export function healthHandler(checks: readonly HealthCheck[]): PathHandler {
  return async ({ info, request }) => {
    const found = ENDPOINT.exec(info.path);
    if (!found || info.isResource) return undefined;
    const [, endpoint = "", only] = found;
    const mine = checks.filter((check) => check.on.includes(endpoint as "healthz"));
    if (only === undefined) return report(endpoint, await runAll(mine, request.query), request.query);
    const one = mine.find((check) => check.name === decodeURIComponent(only));
    return one && single(endpoint, await run(one));
  };
}

function runAll(checks: readonly HealthCheck[], query: Query): Promise<Outcome[]> {
  const excluded = new Set(query.all("exclude"));
  return Promise.all(
    checks.map((check) =>
      excluded.has(check.name) ? Promise.resolve({ name: check.name, problem: undefined, excluded: true }) : run(check),
    ),
  );
}

async function run(check: HealthCheck): Promise<Outcome> {
  try {
    await check.check();
    return { name: check.name, problem: undefined, excluded: false };
  } catch (error) {
    return { name: check.name, problem: errorText(error), excluded: false };
  }
}

function report(endpoint: string, outcomes: readonly Outcome[], query: Query): Answer {
  const failed = outcomes.some((outcome) => outcome.problem !== undefined);
  if (!failed && !query.has("verbose")) return text(200, "ok");
  const lines = outcomes.map(({ name, problem, excluded }) => {
    if (excluded) return `[+]${name} excluded: ok`;
    return problem === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
  });
  const verdict = failed ? `${endpoint} check failed` : `${endpoint} check passed`;
  return text(failed ? 500 : 200, [...lines, verdict, ""].join("\n"));
}

function single(endpoint: string, { problem }: Outcome): Answer {
  if (problem === undefined) return text(200, "ok");
  return text(500, `internal server error: ${endpoint} check failed: ${problem}\n`);
}

function text(status: number, body: string): Answer {
  const headers = { "x-content-type-options": "nosniff" };
  return { type: "raw", status, contentType: "text/plain; charset=utf-8", body, headers };
}
