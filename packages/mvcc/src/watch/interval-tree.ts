/** A value under the half-open interval from `start` to `end` (undefined: no end). Strings compare as their bytes do. */
export type Interval = { readonly start: string; readonly end: string | undefined };

type Node<Item extends Interval> = {
  item: Item;
  left: Node<Item> | undefined;
  right: Node<Item> | undefined;
  height: number;
  /** The furthest end below and at this node; undefined: one of them has none. */
  furthest: string | undefined;
};

/**
 * Distinct intervals, and which of them contain a point: an AVL tree in the order of (start, end) where each node knows how far
 * the intervals below it reach. `add` and `remove` cost O(log n), `collect` O(log n) and what it finds.
 * @see Cormen et al., Introduction to Algorithms, "Interval trees".
 */
export class IntervalTree<Item extends Interval> {
  #root: Node<Item> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one with exactly these bounds. */
  find(bounds: Interval): Item | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compare(bounds, node.item);
      if (order === 0) return node.item;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** Adds an interval that is not there yet: `find` says so. */
  add(item: Item): void {
    this.#root = insert(this.#root, item);
    this.#size += 1;
  }

  /** Takes out the one with these bounds. False when there was none. */
  remove(bounds: Interval): boolean {
    if (this.find(bounds) === undefined) return false;
    this.#root = removeFrom(this.#root, bounds);
    this.#size -= 1;
    return true;
  }

  /** Appends to `found` all that contain `point`, in the order of (start, end). */
  collect(point: string, found: Item[]): void {
    collectFrom(this.#root, point, found);
  }

  /** All, in the order of (start, end). */
  items(): Item[] {
    const items: Item[] = [];
    appendAll(this.#root, items);
    return items;
  }

  /** For tests. @throws Error when the tree is not as it says. */
  check(): void {
    checkNode(this.#root);
  }
}

function collectFrom<Item extends Interval>(node: Node<Item> | undefined, point: string, found: Item[]): void {
  let at = node;
  while (at !== undefined && (at.furthest === undefined || at.furthest > point)) {
    if (at.item.start > point) {
      at = at.left;
      continue;
    }
    collectFrom(at.left, point, found);
    if (at.item.end === undefined || at.item.end > point) found.push(at.item);
    at = at.right;
  }
}

function appendAll<Item extends Interval>(node: Node<Item> | undefined, items: Item[]): void {
  if (node === undefined) return;
  appendAll(node.left, items);
  items.push(node.item);
  appendAll(node.right, items);
}

function insert<Item extends Interval>(node: Node<Item> | undefined, item: Item): Node<Item> {
  if (node === undefined) return { item, left: undefined, right: undefined, height: 1, furthest: item.end };
  if (compare(item, node.item) < 0) node.left = insert(node.left, item);
  else node.right = insert(node.right, item);
  return balance(node);
}

function removeFrom<Item extends Interval>(node: Node<Item> | undefined, bounds: Interval): Node<Item> | undefined {
  if (node === undefined) return undefined;
  const order = compare(bounds, node.item);
  if (order < 0) node.left = removeFrom(node.left, bounds);
  else if (order > 0) node.right = removeFrom(node.right, bounds);
  else {
    if (node.left === undefined) return node.right;
    if (node.right === undefined) return node.left;
    let successor = node.right;
    while (successor.left !== undefined) successor = successor.left;
    node.item = successor.item;
    node.right = removeFrom(node.right, successor.item);
  }
  return balance(node);
}

function balance<Item extends Interval>(node: Node<Item>): Node<Item> {
  const lean = heightOf(node.left) - heightOf(node.right);
  if (lean > 1) {
    const left = node.left as Node<Item>;
    if (heightOf(left.left) < heightOf(left.right)) node.left = rotateLeft(left);
    return rotateRight(node);
  }
  if (lean < -1) {
    const right = node.right as Node<Item>;
    if (heightOf(right.right) < heightOf(right.left)) node.right = rotateRight(right);
    return rotateLeft(node);
  }
  return update(node);
}

function rotateRight<Item extends Interval>(node: Node<Item>): Node<Item> {
  const top = node.left as Node<Item>;
  node.left = top.right;
  top.right = update(node);
  return update(top);
}

function rotateLeft<Item extends Interval>(node: Node<Item>): Node<Item> {
  const top = node.right as Node<Item>;
  node.right = top.left;
  top.left = update(node);
  return update(top);
}

function update<Item extends Interval>(node: Node<Item>): Node<Item> {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let furthest = node.item.end;
  if (left !== undefined) furthest = further(furthest, left.furthest);
  if (right !== undefined) furthest = further(furthest, right.furthest);
  node.furthest = furthest;
  return node;
}

function heightOf(node: Node<Interval> | undefined): number {
  return node === undefined ? 0 : node.height;
}

function further(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}

function compare(a: Interval, b: Interval): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  if (a.end === b.end) return 0;
  if (a.end === undefined) return 1;
  return b.end === undefined || a.end < b.end ? -1 : 1;
}

function checkNode(node: Node<Interval> | undefined): { height: number; furthest: string | undefined } | undefined {
  if (node === undefined) return undefined;
  const left = checkNode(node.left);
  const right = checkNode(node.right);
  const heights = [left?.height ?? 0, right?.height ?? 0] as const;
  let furthest = node.item.end;
  for (const side of [left, right]) if (side !== undefined) furthest = further(furthest, side.furthest);
  const isOrdered =
    (node.left === undefined || compare(node.left.item, node.item) < 0) &&
    (node.right === undefined || compare(node.item, node.right.item) < 0);
  const isBalanced = Math.abs(heights[0] - heights[1]) <= 1 && node.height === 1 + Math.max(...heights);
  if (!isOrdered || !isBalanced || node.furthest !== furthest) throw new Error("the interval tree is not in order");
  return { height: node.height, furthest };
}
