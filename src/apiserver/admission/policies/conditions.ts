import { BOOL } from "../../../machinery/cel/index.ts";
import type { Authorizer } from "../../seams/index.ts";
import { refusal } from "../common.ts";
import type { Webhook } from "../webhooks/hooks.ts";
import type { Conditions, Invocation } from "../webhooks/match.ts";
import type { Versions } from "../webhooks/versions.ts";
import { compileExpression, CONDITIONS_BUDGET, environmentOf, Evaluation, type Expression } from "./environment.ts";
import { evaluateConditions } from "./validator.ts";
import { RememberingAuthorizer, valuesOf } from "./values.ts";

/** Evaluates webhooks' match conditions. */
export function celConditions(authorizers: () => readonly Authorizer[], versions: Versions): Conditions {
  const environment = environmentOf({ params: false, authorizer: true });
  // A registration that changes is another object.
  const compiled = new WeakMap<Webhook, readonly Expression[]>();
  const expressionsOf = (webhook: Webhook): readonly Expression[] => {
    let known = compiled.get(webhook);
    if (!known) {
      known = (webhook.matchConditions ?? []).map((c) => compileExpression(c.expression, environment, [BOOL]));
      compiled.set(webhook, known);
    }
    return known;
  };
  return {
    async hold({ hook, resource, kind }: Invocation, request, signal) {
      const { subresource } = request;
      const show = (object: typeof request.object): typeof object =>
        object && versions.show(object, resource, subresource);
      const input = { request, resource, kind, object: show(request.object), oldObject: show(request.oldObject) };
      const asked = new RememberingAuthorizer(authorizers(), signal);
      const expressions = expressionsOf(hook.webhook);
      const { hold, error } = await asked.settle(() => {
        const values = valuesOf(input, asked.authorize);
        return evaluateConditions(expressions, new Evaluation(values, CONDITIONS_BUDGET, undefined));
      });
      if (error === undefined) return hold;
      if (hook.webhook.failurePolicy === "Ignore") return false;
      throw refusal(request, error);
    },
  };
}
