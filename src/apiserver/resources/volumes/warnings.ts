import type { corev1 } from "../../../api/index.ts";
import { Quantity } from "../../../machinery/index.ts";
import { isWhole } from "../common/quantities.ts";

/** The warning for an amount of bytes with a fraction. */
export function fractionWarning(path: string, amount: string | undefined): string[] {
  if (amount === undefined || isWhole(amount)) return [];
  const text = Quantity.parse(amount).toString();
  return [`${path}: fractional byte value "${text}" is invalid, must be an integer`];
}

/** Warnings of a claim's spec. */
export function claimSpecWarnings(path: string, spec: corev1.PersistentVolumeClaimSpec): string[] {
  return [
    ...fractionWarning(`${path}.resources.requests[storage]`, spec.resources?.requests?.["storage"]),
    ...fractionWarning(`${path}.resources.limits[storage]`, spec.resources?.limits?.["storage"]),
  ];
}
