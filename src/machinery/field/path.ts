/** A path to a field, such as `spec.containers[0].name`. Immutable and cheap to extend; text is made only when asked for. */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #step: string;

  private constructor(parent: FieldPath | undefined, step: string) {
    this.#parent = parent;
    this.#step = step;
  }

  /** Starts at a top-level field. */
  static root(...names: string[]): FieldPath {
    let path: FieldPath | undefined;
    for (const name of names) path = path ? path.child(name) : new FieldPath(undefined, name);
    return path ?? new FieldPath(undefined, "");
  }

  /** The field of that name below this one; several names go down several levels. */
  child(...names: string[]): FieldPath {
    return names.reduce<FieldPath>((path, name) => new FieldPath(path, path.#isEmptyRoot() ? name : `.${name}`), this);
  }

  /** The list item at a position. */
  index(position: number): FieldPath {
    return new FieldPath(this, `[${position}]`);
  }

  /** The map entry of a key. */
  key(key: string): FieldPath {
    return new FieldPath(this, `[${key}]`);
  }

  toString(): string {
    return this.#parent ? this.#parent.toString() + this.#step : this.#step;
  }

  #isEmptyRoot(): boolean {
    return this.#parent === undefined && this.#step === "";
  }
}
