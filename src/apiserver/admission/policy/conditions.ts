import { forbidden } from "../../../machinery/index.ts";
import type { Conditions } from "../webhooks/match.ts";
import type { Compiled } from "./compiled.ts";

interface Condition {
  readonly name: string;
  readonly compiled: Compiled;
}

/** Match conditions of webhooks in CEL: one that is false decides, else one that fails does. */
export function celConditions(): Conditions {
  const known = new WeakMap<object, readonly Condition[]>();
  return {
    async hold({ hook }, request) {
      const { webhook } = hook;
      const { compileConditions, runConditions } = await import("./run-conditions.ts");
      const { activationOf } = await import("./activation.ts");
      let conditions = known.get(webhook);
      if (!conditions) known.set(webhook, (conditions = compileConditions(webhook.matchConditions ?? [])));
      const outcome = runConditions(conditions, activationOf(request));
      if (typeof outcome === "boolean") return outcome;
      if (webhook.failurePolicy === "Ignore") return false;
      throw forbidden(request.resource, request.name, outcome.error);
    },
  };
}
