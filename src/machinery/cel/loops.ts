import type { Expr } from "./ast.ts";
import { boolOf, type Code, type Frame, type PartCompiler, type Slots, spend, withSlot } from "./frame.ts";
import { CelError, type CelValue, isMap, PlainMap } from "./values.ts";

type Loop = Expr & { kind: "loop" };

/** What each turn of a loop costs beside its body. */
const TURN = 3;

/** Goes over a list's items or a map's entries: gives each turn's key (or position) and value. */
function* turns(range: CelValue): Generator<readonly [key: CelValue, value: CelValue]> {
  if (Array.isArray(range)) {
    for (let i = 0; i < range.length; i++) yield [BigInt(i), range[i] as CelValue];
  } else if (isMap(range)) {
    for (const key of range.keys()) yield [key, range.get(key)];
  } else throw new CelError("no such overload");
}

/** Compiles a comprehension. */
export function compileLoop(compiler: PartCompiler, expr: Loop, slots: Slots): Code {
  const range = compiler.code(expr.range, slots);
  const first = slots.size;
  const second = first + 1;
  const [name = "", other] = expr.names;
  let inner = withSlot(slots, name, first);
  inner = withSlot(inner, other ?? "@item", second);
  const body = compiler.code(expr.body, inner);
  const filter = expr.filter && compiler.code(expr.filter, inner);
  const set = (frame: Frame, isList: boolean, key: CelValue, value: CelValue): void => {
    frame.vars[first] = other === undefined ? (isList ? value : key) : key;
    frame.vars[second] = value;
  };
  const turn = (frame: Frame, each: (key: CelValue, value: CelValue) => boolean): void => {
    const over = range(frame);
    const isList = Array.isArray(over);
    for (const [key, value] of turns(over)) {
      spend(frame, TURN);
      set(frame, isList, key, value);
      if (filter && !boolOf(filter(frame))) continue;
      if (!each(key, value)) return;
    }
  };
  switch (expr.loop) {
    case "all":
      return decide(turn, body, false);
    case "exists":
      return decide(turn, body, true);
    case "existsOne":
      return (frame) => {
        let count = 0;
        turn(frame, () => {
          if (boolOf(body(frame))) count++;
          return true;
        });
        return count === 1;
      };
    case "filter":
      return (frame) => {
        const kept: CelValue[] = [];
        turn(frame, () => {
          const item = frame.vars[first];
          if (boolOf(body(frame))) kept.push(item);
          return true;
        });
        return kept;
      };
    case "map":
      return (frame) => {
        const made: CelValue[] = [];
        turn(frame, () => {
          made.push(body(frame));
          return true;
        });
        return made;
      };
    case "transformMap":
      return (frame) => {
        const made = new PlainMap();
        turn(frame, (key) => {
          made.set(key, body(frame));
          return true;
        });
        return made;
      };
    case "transformMapEntry":
      return (frame) => {
        const made = new PlainMap();
        turn(frame, () => {
          const entry = body(frame);
          if (!isMap(entry)) throw new CelError("no such overload");
          for (const key of entry.keys()) {
            if (made.has(key)) throw new CelError("insert failed: key already exists");
            made.set(key, entry.get(key));
          }
          return true;
        });
        return made;
      };
  }
}

type Turn = (frame: Frame, each: (key: CelValue, value: CelValue) => boolean) => void;

/** `all` and `exists`: an error of one item does not matter when another decides. */
function decide(turn: Turn, body: Code, decides: boolean): Code {
  return (frame) => {
    let failure: CelError | undefined;
    let decided = false;
    turn(frame, () => {
      try {
        decided = boolOf(body(frame)) === decides;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure ??= error;
      }
      return !decided;
    });
    if (decided) return decides;
    if (failure) throw failure;
    return !decides;
  };
}
