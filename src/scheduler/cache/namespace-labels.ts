type Labels = Readonly<Record<string, string>>;

/** The labels of every namespace. */
export class NamespaceLabels {
  readonly #labels = new Map<string, Labels>();
  #version = 0;

  /** Grows with each change that matters. */
  get version(): number {
    return this.#version;
  }

  get(name: string): Labels | undefined {
    return this.#labels.get(name);
  }

  /** All names and labels. */
  entries(): Iterable<readonly [name: string, labels: Labels]> {
    return this.#labels;
  }

  set(name: string, labels: Labels | undefined): void {
    const before = this.#labels.get(name);
    const after = labels ?? {};
    if (before && JSON.stringify(before) === JSON.stringify(after)) return;
    this.#labels.set(name, after);
    this.#version++;
  }

  delete(name: string): void {
    if (this.#labels.delete(name)) this.#version++;
  }
}
