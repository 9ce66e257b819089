import { table } from "./read-table.ts";

type Names = readonly string[];
type Lists = Readonly<Record<string, Names>>;
type Numbers = Readonly<Record<string, number>>;

/** Names and numbers that upstream's components agree on without the API saying so. */
export interface WellKnown {
  readonly labels: Names;
  readonly annotations: Names;
  /** Taint key → the effects it is set with. */
  readonly taints: Lists;
  readonly daemonSetTolerations: readonly (readonly [key: string, operator: string, effect: string])[];
  readonly finalizers: Names;
  readonly secretTypes: Names;
  readonly signerNames: Names;
  readonly auditAnnotations: Names;
  readonly userExtraKeys: Names;
  readonly volumePlugins: Names;
  readonly conditionTypes: Lists;
  readonly conditionReasons: Lists;
  readonly containerReasons: Lists;
  readonly podStatusReasons: Names;
  /** Component → reason → event types. */
  readonly eventReasons: Readonly<Record<string, Lists>>;
  /** Status reason → HTTP code. */
  readonly statusReasons: Numbers;
  readonly causeTypes: Names;
  readonly priorityClasses: Numbers;
  readonly priorityLimits: Readonly<Record<string, number | string>>;
  readonly namespaces: { readonly created: Names; readonly undeletable: Names };
  readonly objects: Lists;
  readonly users: Names;
  readonly groups: Names;
  readonly ports: Numbers;
  readonly serviceDefaults: Readonly<Record<string, string | number>>;
  readonly paths: Readonly<Record<string, string>>;
  readonly env: Lists;
  readonly mediaTypes: Readonly<Record<string, string>>;
  readonly streamProtocols: Lists;
  readonly resourceNames: Lists;
  readonly timing: Numbers;
  /** In the order they run, and whether they are on by default. */
  readonly admissionPlugins: readonly (readonly [name: string, enabled: boolean])[];
  readonly controllers: Readonly<
    Record<string, { readonly aliases?: Names; readonly disabledByDefault?: boolean; readonly gates?: Names }>
  >;
  readonly postStartHooks: Names;
  readonly postStartHooksGated: Readonly<Record<string, string>>;
  readonly healthChecks: Lists;
  readonly priorityLevels: Readonly<Record<string, { readonly mandatory?: boolean; readonly spec: unknown }>>;
  readonly flowSchemas: Readonly<Record<string, unknown>>;
}

/** {@link WellKnown}, read when first asked for. */
export const wellKnown = table<WellKnown>("well-known");
