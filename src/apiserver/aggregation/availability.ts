import type { apiregistrationv1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { ApiService } from "./types.ts";

type Condition = apiregistrationv1.APIServiceCondition;

/** What the condition Available says. */
export interface Verdict {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** Services of our own are always there. */
export const LOCAL: Verdict = { status: "True", reason: "Local", message: "Local APIServices are always available" };
/** The other server answers as it should. */
export const PASSED: Verdict = { status: "True", reason: "Passed", message: "all checks passed" };

/** The service's status with this verdict; undefined when it says so already. `now` is in ms. */
export function withVerdict(service: ApiService, verdict: Verdict, now: number): ApiService["status"] | undefined {
  const old = (service.status as Partial<ApiService["status"]> | undefined)?.conditions ?? [];
  const known = old.find((one) => one.type === "Available");
  const same = known?.status === verdict.status && known.reason === verdict.reason && known.message === verdict.message;
  if (same) return undefined;
  const moved = known?.status !== verdict.status || known.lastTransitionTime === undefined;
  const next: Condition = {
    type: "Available",
    ...verdict,
    lastTransitionTime: moved ? formatTime(now) : (known.lastTransitionTime ?? formatTime(now)),
  };
  return { conditions: [...old.filter((one) => one !== known), next] };
}

/** Whether the service was available when last looked at. */
export function isAvailable(service: ApiService): boolean {
  const { conditions = [] } = (service.status as Partial<ApiService["status"]> | undefined) ?? {};
  return conditions.some((one) => one.type === "Available" && one.status === "True");
}
