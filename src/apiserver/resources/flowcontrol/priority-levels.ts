import { type flowcontrolv1 as v1, wellKnown } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  normalize,
  notSupported,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import type { Kind } from "../kind.ts";
import { validateTypes } from "./flow-schemas.ts";

const KEEP_ZERO = "flowcontrol.k8s.io/concurrency-shares-defaults-to-zero";
const TYPES = ["Exempt", "Limited"];
const RESPONSES = ["Queue", "Reject"];
const MAX_QUEUES = 10_000_000;
const MAX_HASH_BITS = 60;

/** How many requests of a sort may run at once, and how the others wait. */
export function priorityLevels(): Kind<v1.PriorityLevelConfiguration> {
  return {
    generation: ["spec"],
    validate({ metadata, spec, status }) {
      const errors: Errors = [];
      if (metadata.annotations?.[KEEP_ZERO] !== undefined) {
        errors.push(forbiddenField("metadata.annotations", `annotation '${KEEP_ZERO}' is forbidden`));
      }
      validateSpec(errors, metadata.name, spec);
      validateMandatory(errors, metadata.name, spec);
      return [...errors, ...validateTypes(status)];
    },
    subresources: { status: { keepMetadata: true, validate: ({ status }) => validateTypes(status) } },
  };
}

/** Two levels that every server has may not be changed, save how many seats the exempt one counts for. */
function validateMandatory(errors: Errors, name: string, spec: v1.PriorityLevelConfigurationSpec): void {
  const row = wellKnown().priorityLevels[name];
  if (!row?.mandatory) return;
  const kind = { kind: "PriorityLevelConfiguration", apiVersion: "flowcontrol.apiserver.k8s.io/v1" };
  const whole = normalize({ ...kind, metadata: { name }, spec: row.spec });
  const fixed = (whole as unknown as v1.PriorityLevelConfiguration).spec;
  const isExempt = name === "exempt";
  const compared = isExempt ? { ...spec, exempt: fixed.exempt } : spec;
  if (semanticEqual(compared, fixed)) return;
  const but = isExempt ? " except the 'spec.exempt' field" : "";
  errors.push(invalidValue("spec", spec, `spec of '${name}'${but} must equal the fixed value`));
}

function validateSpec(errors: Errors, name: string, spec: v1.PriorityLevelConfigurationSpec): void {
  const { type, limited, exempt } = spec;
  if ((name === "exempt") !== (type === "Exempt")) {
    errors.push(invalidValue("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === "Exempt") {
    if (limited) errors.push(forbiddenField("spec.limited", "must be nil if the type is not Limited"));
    if (exempt) {
      validateShares(errors, "spec.exempt", exempt.nominalConcurrencyShares ?? 0);
      validatePercent(errors, "spec.exempt", exempt.lendablePercent);
    }
  } else if (type === "Limited") {
    if (exempt) errors.push(forbiddenField("spec.exempt", "must be nil if the type is Limited"));
    if (limited) validateLimited(errors, limited);
    else errors.push(required("spec.limited", "must not be empty when type is Limited"));
  } else errors.push(notSupported("spec.type", type, TYPES));
}

function validateShares(errors: Errors, path: string, shares: number): void {
  if (shares < 0) {
    errors.push(invalidValue(`${path}.nominalConcurrencyShares`, shares, "must be a non-negative integer"));
  }
}

function validatePercent(errors: Errors, path: string, percent: number | undefined): void {
  if (percent !== undefined && (percent < 0 || percent > 100)) {
    errors.push(invalidValue(`${path}.lendablePercent`, percent, "must be between 0 and 100, inclusive"));
  }
}

function validateLimited(errors: Errors, limited: v1.LimitedPriorityLevelConfiguration): void {
  const { nominalConcurrencyShares = 0, limitResponse, lendablePercent, borrowingLimitPercent: borrowing } = limited;
  validateShares(errors, "spec.limited", nominalConcurrencyShares);
  const at = "spec.limited.limitResponse";
  const { type, queuing } = limitResponse ?? { type: "" };
  if (type === "Reject") {
    if (queuing) {
      const words = "must be nil if limited.limitResponse.type is not Limited";
      errors.push(forbiddenField(`${at}.queuing`, words));
    }
  } else if (type === "Queue") {
    if (queuing) validateQueuing(errors, `${at}.queuing`, queuing);
    else errors.push(required(`${at}.queuing`, "must not be empty if limited.limitResponse.type is Limited"));
  } else errors.push(notSupported(`${at}.type`, type, RESPONSES));
  validatePercent(errors, "spec.limited", lendablePercent);
  if (borrowing !== undefined && borrowing < 0) {
    const words = "if specified, must be a non-negative integer";
    errors.push(invalidValue("spec.limited.borrowingLimitPercent", borrowing, words));
  }
}

function validateQueuing(errors: Errors, path: string, queuing: v1.QueuingConfiguration): void {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  if (queueLengthLimit <= 0)
    errors.push(invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, "must be positive"));
  if (queues <= 0) errors.push(invalidValue(`${path}.queues`, queues, "must be positive"));
  else if (queues > MAX_QUEUES) {
    errors.push(invalidValue(`${path}.queues`, queues, `must not be greater than ${MAX_QUEUES}`));
  }
  // A hand is dealt from one hash value: it must have enough bits for all possible hands.
  const bits = Math.ceil(Math.log2(queues) * handSize);
  const problem =
    handSize <= 0
      ? "must be positive"
      : handSize > queues
        ? `should not be greater than queues (${queues})`
        : bits > MAX_HASH_BITS
          ? `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`
          : undefined;
  if (problem) errors.push(invalidValue(`${path}.handSize`, handSize, problem));
}
