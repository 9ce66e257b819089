import type { coordinationv1, coordinationv1beta1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isConfigMapKey,
  isQualifiedName,
  notSupported,
  required,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

/** Leases. */
export function leases(): Kind<coordinationv1.Lease> {
  return {
    validate({ spec }) {
      const errors: Errors = [];
      const { leaseDurationSeconds: seconds, leaseTransitions: transitions, strategy, preferredHolder } = spec ?? {};
      if (seconds !== undefined && seconds <= 0) {
        errors.push(invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
      }
      if (transitions !== undefined && transitions < 0) {
        errors.push(invalidValue("spec.leaseTransitions", transitions, "must be greater than or equal to 0"));
      }
      if (strategy !== undefined) validateStrategy(errors, "spec.strategy.strategy", strategy);
      if (preferredHolder && !strategy) {
        errors.push(forbiddenField("spec.preferredHolder", "may only be specified if `strategy` is defined"));
      }
      return errors;
    },
  };
}

function validateStrategy(errors: Errors, path: string, strategy: string): void {
  const known = ["OldestEmulationVersion"];
  if (strategy.includes("/")) invalidEach(errors, path, strategy, isQualifiedName(strategy));
  else if (!known.includes(strategy)) errors.push(notSupported(path, strategy, known));
}

const SEMVER = /^(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/** Candidates for coordinated leader election. */
export function leaseCandidates(): Kind<coordinationv1beta1.LeaseCandidate> {
  return {
    name: (name) => isConfigMapKey(name),
    validate({ spec }) {
      const errors: Errors = [];
      if (!spec.leaseName) errors.push(required("spec.leaseName"));
      const parse = (field: "emulationVersion" | "binaryVersion"): number[] | undefined => {
        const text = spec[field] ?? "";
        const match = SEMVER.exec(text);
        if (text !== "" && !match) {
          errors.push(invalidValue(`spec.${field}`, text, "must be a valid semantic version"));
        }
        return match?.slice(1, 4).map(Number);
      };
      const emulated = parse("emulationVersion");
      if (!spec.binaryVersion) errors.push(required("spec.binaryVersion"));
      const binary = parse("binaryVersion");
      if (binary && emulated && lessThan(binary, emulated)) {
        const words = "must be greater than or equal to `emulationVersion`";
        errors.push(invalidValue("spec.binaryVersion", spec.binaryVersion, words));
      }
      if (!spec.strategy) return [...errors, required("spec.strategy")];
      if (spec.strategy === "OldestEmulationVersion" && !emulated) {
        errors.push(required("spec.emulationVersion", "must be specified when `strategy` is 'OldestEmulationVersion'"));
      }
      validateStrategy(errors, "spec.strategy.strategy", spec.strategy);
      return errors;
    },
    validateChange: ({ spec }, old) => validateImmutable(spec.leaseName, old.spec.leaseName, "spec.leaseName"),
  };
}

function lessThan(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((n, j) => n !== b[j]);
  return i >= 0 && (a[i] ?? 0) < (b[i] ?? 0);
}
