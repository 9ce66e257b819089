import type { Field, Shape, TypeTable } from "../../schema/model.ts";

/** One number of a message: a field, or a message that Go inlines, whose fields lie flat in JSON. */
export interface Slot {
  readonly number: number;
  readonly field?: Field;
  readonly inlined?: MessagePlan;
}

/** A message's numbers. */
export interface MessagePlan {
  /** From the highest number to the lowest, for writing backwards. */
  readonly descending: readonly Slot[];
  readonly byNumber: ReadonlyMap<number, Slot>;
}

const plans = new WeakMap<TypeTable, MessagePlan>();

/** How a type is laid out in protobuf. */
export function messagePlan(table: TypeTable): MessagePlan {
  const known = plans.get(table);
  if (known) return known;
  const plan = layOut(table.fields, 0);
  plans.set(table, plan);
  return plan;
}

function layOut(fields: readonly Field[], depth: number): MessagePlan {
  const byFirst = new Map<number, Field[]>();
  for (const field of fields) {
    const number = field.numbers[depth];
    if (number !== undefined) byFirst.set(number, [...(byFirst.get(number) ?? []), field]);
  }
  const slots = [...byFirst].map(([number, group]): Slot => {
    const [field] = group;
    const own = field?.numbers.length === depth + 1;
    return own ? { number, field } : { number, inlined: layOut(group, depth + 1) };
  });
  return {
    descending: slots.toSorted((a, b) => b.number - a.number),
    byNumber: new Map(slots.map((slot) => [slot.number, slot])),
  };
}

/** Wire type of integers and booleans. */
export const VARINT = 0;
/** Wire type of doubles. */
export const FIXED64 = 1;
/** Wire type of texts, bytes and messages. */
export const DELIMITED = 2;

/** The wire type of a shape's values. */
export function wireOf(shape: Shape): number {
  switch (shape.kind) {
    case "boolean":
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
      return VARINT;
    case "double":
      return FIXED64;
    default:
      return DELIMITED;
  }
}
