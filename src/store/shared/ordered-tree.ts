import { byteLess, isWide } from "./key-order.ts";

const MAX = 64;
const MERGE_BELOW = MAX / 4;

interface Node<V> {
  /** Whoever may change the node in place; others copy it first. */
  owner: object;
  /** Leaf: its keys. Branch: the lower bound of each child (the first one stands for minus infinity). */
  readonly keys: string[];
  /** Leaf only; empty in a branch. */
  readonly values: V[];
  /** Branch only; empty in a leaf. */
  readonly children: Node<V>[];
  weight: number;
}

/**
 * A map ordered by the UTF-8 bytes of its keys: a B+ tree whose nodes know the weight below them, so that finding,
 * changing and weighing a range take O(log n), and whose nodes are shared with its forks until one of them is changed.
 */
export class OrderedTree<V> {
  #root: Node<V>;
  #owner: object = {};
  #wide = false;
  #size = 0;
  /** What the last {@link set} took the place of. */
  #replaced: V | undefined;
  readonly #weigh: (value: V) => number;

  constructor(weigh: (value: V) => number) {
    this.#weigh = weigh;
    this.#root = this.#node([], [], [], 0);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (node.children.length > 0) node = node.children[this.#childOf(node, key)] as Node<V>;
    const index = this.#lowerBound(node.keys, key);
    return node.keys[index] === key ? node.values[index] : undefined;
  }

  /** Answers what `key` held before. */
  set(key: string, value: V): V | undefined {
    if (!this.#wide && isWide(key)) this.#wide = true;
    this.#root = this.#own(this.#root);
    this.#replaced = undefined;
    const sibling = this.#put(this.#root, key, value);
    if (sibling) {
      const children = [this.#root, sibling];
      this.#root = this.#node(["", sibling.keys[0] as string], [], children, this.#root.weight + sibling.weight);
    }
    return this.#replaced;
  }

  /** Takes `key` out, if it is there. */
  delete(key: string): void {
    if (this.get(key) === undefined) return;
    this.#root = this.#own(this.#root);
    this.#remove(this.#root, key);
    while (this.#root.children.length === 1) this.#root = this.#root.children[0] as Node<V>;
  }

  /** Calls `visit` for the values in `[start, end)` (empty `end`: no bound) in order, until it answers false. */
  scan(start: string, end: string, visit: (value: V) => boolean): void {
    if (end !== "" && !this.#less(start, end)) return;
    this.#scan(this.#root, start, end, visit);
  }

  /** The sum of the weights in `[start, end)`. */
  weightOf(start: string, end: string): number {
    const above = end === "" ? this.#root.weight : this.#weightBefore(end);
    return Math.max(0, above - this.#weightBefore(start));
  }

  /** A tree with the same content that goes its own way. O(1). */
  fork(): OrderedTree<V> {
    const copy = new OrderedTree<V>(this.#weigh);
    copy.#root = this.#root;
    copy.#wide = this.#wide;
    copy.#size = this.#size;
    this.#owner = {};
    return copy;
  }

  #node(keys: string[], values: V[], children: Node<V>[], weight: number): Node<V> {
    return { owner: this.#owner, keys, values, children, weight };
  }

  #own(node: Node<V>): Node<V> {
    if (node.owner === this.#owner) return node;
    return this.#node(node.keys.slice(), node.values.slice(), node.children.slice(), node.weight);
  }

  #ownChild(node: Node<V>, index: number): Node<V> {
    const child = this.#own(node.children[index] as Node<V>);
    node.children[index] = child;
    return child;
  }

  #less(a: string, b: string): boolean {
    return this.#wide ? byteLess(a, b) : a < b;
  }

  /** The index of the first key that is not less than `key`. */
  #lowerBound(keys: readonly string[], key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#less(keys[middle] as string, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #childOf(node: Node<V>, key: string): number {
    const index = this.#lowerBound(node.keys, key);
    return node.keys[index] === key ? index : Math.max(0, index - 1);
  }

  /** Writes into an owned node; answers the sibling that it had to be split into. */
  #put(node: Node<V>, key: string, value: V): Node<V> | undefined {
    let index: number;
    if (node.children.length === 0) {
      index = this.#putInLeaf(node, key, value);
    } else {
      index = this.#childOf(node, key);
      const child = this.#ownChild(node, index);
      const before = child.weight;
      const sibling = this.#put(child, key, value);
      node.weight += child.weight - before;
      if (sibling) {
        index++;
        node.keys.splice(index, 0, sibling.keys[0] as string);
        node.children.splice(index, 0, sibling);
        node.weight += sibling.weight;
      }
    }
    return node.keys.length > MAX ? this.#split(node, index) : undefined;
  }

  #putInLeaf(leaf: Node<V>, key: string, value: V): number {
    const index = this.#lowerBound(leaf.keys, key);
    leaf.weight += this.#weigh(value);
    if (leaf.keys[index] === key) {
      this.#replaced = leaf.values[index] as V;
      leaf.weight -= this.#weigh(this.#replaced);
      leaf.values[index] = value;
    } else {
      leaf.keys.splice(index, 0, key);
      leaf.values.splice(index, 0, value);
      this.#size++;
    }
    return index;
  }

  /** Splits in the middle; where keys arrive in ascending order, at the end, so that nodes stay full. */
  #split(node: Node<V>, changed: number): Node<V> {
    const at = changed === node.keys.length - 1 ? node.keys.length - 2 : node.keys.length >> 1;
    const sibling = this.#node(node.keys.splice(at), node.values.splice(at), node.children.splice(at), 0);
    sibling.weight = this.#weightFrom(sibling, sibling.keys.length);
    node.weight -= sibling.weight;
    return sibling;
  }

  #remove(node: Node<V>, key: string): void {
    if (node.children.length === 0) {
      const index = this.#lowerBound(node.keys, key);
      node.weight -= this.#weigh(node.values[index] as V);
      node.keys.splice(index, 1);
      node.values.splice(index, 1);
      this.#size--;
      return;
    }
    const index = this.#childOf(node, key);
    const child = this.#ownChild(node, index);
    const before = child.weight;
    this.#remove(child, key);
    node.weight += child.weight - before;
    if (child.keys.length === 0) {
      node.keys.splice(index, 1);
      node.children.splice(index, 1);
    } else if (child.keys.length < MERGE_BELOW) {
      this.#mergeAt(node, index + 1 < node.keys.length ? index : index - 1);
    }
  }

  /** Joins the children at `index` and the next, when the two together leave room to grow. */
  #mergeAt(node: Node<V>, index: number): void {
    const left = node.children[index];
    const right = node.children[index + 1];
    if (!left || !right || left.keys.length + right.keys.length > MAX / 2) return;
    const into = this.#ownChild(node, index);
    // A branch's own first bound may lie above minus infinity's stand-in; the parent knows the true one.
    into.keys.push(
      ...(right.children.length > 0 ? [node.keys[index + 1] as string, ...right.keys.slice(1)] : right.keys),
    );
    into.values.push(...right.values);
    into.children.push(...right.children);
    into.weight += right.weight;
    node.keys.splice(index + 1, 1);
    node.children.splice(index + 1, 1);
  }

  #scan(node: Node<V>, start: string, end: string, visit: (value: V) => boolean): boolean {
    if (node.children.length === 0) {
      const last = end === "" ? node.keys.length : this.#lowerBound(node.keys, end);
      for (let i = start === "" ? 0 : this.#lowerBound(node.keys, start); i < last; i++) {
        if (!visit(node.values[i] as V)) return false;
      }
      return true;
    }
    const first = start === "" ? 0 : this.#childOf(node, start);
    const last = end === "" ? node.children.length - 1 : this.#childOf(node, end);
    for (let i = first; i <= last; i++) {
      const child = node.children[i] as Node<V>;
      if (!this.#scan(child, i === first ? start : "", i === last ? end : "", visit)) return false;
    }
    return true;
  }

  #weightBefore(key: string): number {
    let weight = 0;
    let node = this.#root;
    while (node.children.length > 0) {
      const index = this.#childOf(node, key);
      weight += this.#weightFrom(node, index);
      node = node.children[index] as Node<V>;
    }
    return weight + this.#weightFrom(node, this.#lowerBound(node.keys, key));
  }

  /** What the first `count` children or values of `node` weigh. */
  #weightFrom(node: Node<V>, count: number): number {
    let weight = 0;
    if (node.children.length > 0) for (let i = 0; i < count; i++) weight += (node.children[i] as Node<V>).weight;
    else for (let i = 0; i < count; i++) weight += this.#weigh(node.values[i] as V);
    return weight;
  }
}
