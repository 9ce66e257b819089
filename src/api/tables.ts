import { table } from "./read-table.ts";
import type { metav1, rbacv1 } from "./types/index.ts";

/** Types as text; see tools/generate/tables.ts for the grammar and machinery's `typeTable` for what reads it. */
export interface TypeTexts {
  /** Go package of a module: `core.v1` → `k8s.io/api/core/v1`. */
  readonly packages: Readonly<Record<string, string>>;
  /** Modules whose types have a group/version. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly types: Readonly<Record<string, string>>;
}

/** Every type of the served API. */
export const typeTexts = table<TypeTexts>("types");
/** Component configuration, kubeconfig, kubelet stats, ... */
export const configTypeTexts = table<TypeTexts>("config-types");

/** One defaulting rule; see machinery's `applyDefaults`. */
export interface DefaultRule {
  readonly path: string;
  readonly value?: unknown;
  readonly rule?: string;
  readonly if?: Readonly<Record<string, unknown>>;
  readonly ifAny?: readonly Readonly<Record<string, unknown>>[];
  readonly ifSet?: readonly string[];
  readonly ifUnset?: readonly string[];
  readonly ifWasUnset?: readonly string[];
  readonly ifNoneSet?: string;
  readonly gate?: string;
  readonly force?: boolean;
}

/** What the server fills in: rules by type, and constant defaults by `type.field`. */
export const defaultRules = table<{
  readonly types: Readonly<Record<string, readonly DefaultRule[]>>;
  readonly markers: Readonly<Record<string, unknown>>;
}>("defaults");

/** Defaults of component configuration, by type and path; a value, or `{rule}`/`{value, gate}`. */
export const configDefaults = table<Readonly<Record<string, Readonly<Record<string, unknown>>>>>("config-defaults");

type ColumnRow = readonly [name: string, type: string, format: string, description: string, priority: number];

interface ColumnTable {
  readonly default: readonly ColumnRow[];
  readonly customResourceDefault: readonly ColumnRow[];
  readonly noTable: readonly string[];
  readonly resources: Readonly<Record<string, readonly ColumnRow[]>>;
  readonly other: Readonly<Record<string, readonly ColumnRow[]>>;
}

const columnTable = table<ColumnTable>("table-columns");

/** Columns of a resource (`pods`, `deployments.apps`) in a Table; undefined for resources that answer 406 to a request for one. */
export function tableColumns(resource: {
  readonly group: string;
  readonly resource: string;
}): metav1.TableColumnDefinition[] | undefined {
  const name = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
  const facts = columnTable();
  if (facts.noTable.includes(name)) return undefined;
  return (facts.resources[name] ?? facts.default).map(column);
}

/** Columns that belong to no resource: of Status and Scale, and of custom resources that declare none. */
export function otherTableColumns(of: "Status" | "Scale" | "CustomResource"): metav1.TableColumnDefinition[] {
  const facts = columnTable();
  const key = { Status: "meta/v1.Status", Scale: "autoscaling.Scale", CustomResource: "" }[of];
  return (facts.other[key] ?? facts.customResourceDefault).map(column);
}

function column([name, type, format, description, priority]: ColumnRow): metav1.TableColumnDefinition {
  return { name, type, format, description, priority };
}

type Stage = "Alpha" | "Beta" | "GA" | "Deprecated";

const gateTable = table<{
  readonly gates: Readonly<Record<string, readonly [stage: Stage, enabled: boolean, locked: boolean]>>;
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
}>("feature-gates");

/** A feature gate as v1.35 has it. */
export interface FeatureGate {
  readonly stage: Stage;
  readonly default: boolean;
  /** May not be set to anything but its default. */
  readonly locked: boolean;
  /** Gates that must be on for this one to be. */
  readonly needs: readonly string[];
}

/** The gate of that name. */
export function featureGate(name: string): FeatureGate | undefined {
  const { gates, dependencies } = gateTable();
  const found = Object.hasOwn(gates, name) ? gates[name] : undefined;
  return found && { stage: found[0], default: found[1], locked: found[2], needs: dependencies[name] ?? [] };
}

/** Names of all gates. */
export function featureGateNames(): string[] {
  return Object.keys(gateTable().gates);
}

/** A role of the bootstrap policy. */
export interface BootstrapRole {
  readonly kind: "ClusterRole" | "Role";
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly aggregationRule?: rbacv1.AggregationRule;
  readonly rules: readonly rbacv1.PolicyRule[];
}

/** A binding of the bootstrap policy. Subjects have no apiGroup: it follows from the kind. */
export interface BootstrapBinding {
  readonly kind: "ClusterRoleBinding" | "RoleBinding";
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly roleRef: readonly [kind: string, name: string];
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** The RBAC objects that a new cluster starts with. */
export const rbacBootstrap = table<{
  readonly clusterRoles: readonly BootstrapRole[];
  readonly clusterRoleBindings: readonly BootstrapBinding[];
  readonly controllerRoles: readonly BootstrapRole[];
  readonly controllerRoleBindings: readonly BootstrapBinding[];
  readonly roles: readonly BootstrapRole[];
  readonly roleBindings: readonly BootstrapBinding[];
  /** Rules that gates which are off by default add to a role. */
  readonly gatedAdditions: readonly {
    readonly role: string;
    readonly gates: readonly string[];
    readonly rules: readonly rbacv1.PolicyRule[];
  }[];
}>("rbac-bootstrap");

/** One command-line flag of a component. */
export interface FlagFact {
  readonly type: string;
  readonly default: unknown;
  readonly deprecated?: boolean;
}

/** Flags of the five components with their defaults. */
export const flagFacts = table<{
  readonly flags: Readonly<Record<string, Readonly<Record<string, FlagFact>>>>;
  readonly effectiveDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}>("flags");
