/**
 * A table of nftables as named objects, and the text that makes the kernel hold it. A change is the difference of two
 * such tables, so that its cost follows from what changed and not from how much there is.
 */
export interface Table {
	readonly family: 'inet' | 'bridge';
	readonly name: string;
	readonly sets: ReadonlyMap<string, SetDeclaration>;
	readonly chains: ReadonlyMap<string, Chain>;
	/**
	 * Elements of sets and maps, in bundles of what belongs together, such as those of one port. A bundle that is the same
	 * array as before is known to be unchanged without being looked into, which keeps small changes cheap.
	 */
	readonly bundles: ReadonlyMap<string, readonly Element[]>;
}

export interface SetDeclaration {
	readonly kind: 'set' | 'map';
	/** Such as `type ifname : mark;`. */
	readonly body: string;
}

export interface Chain {
	/** Hook, priority and policy of a base chain, such as `type filter hook input priority 0; policy drop;`; null = only jumped to. */
	readonly base: string | null;
	readonly rules: readonly string[];
}

/** Name of a set or map, key, and value; null for the element of a set. */
export type Element = readonly [set: string, key: string, value: string | null];

/** The text that replaces whatever the table held before, in one transaction. */
export function renderTable(table: Table): string {
	const name = `${table.family} ${table.name}`;
	return `add table ${name}\ndelete table ${name}\nadd table ${name}\n${renderChange(emptyTable(table), table)}`;
}

export function emptyTable(table: Pick<Table, 'family' | 'name'>): Table {
	return { family: table.family, name: table.name, sets: new Map(), chains: new Map(), bundles: new Map() };
}

/**
 * The text that leads from one state of a table to the next in one transaction; empty when they are the same. The order
 * keeps every reference whole: what is pointed to is made first and removed last.
 */
export function renderChange(before: Table, after: Table): string {
	const name = `${after.family} ${after.name}`;
	const lines: string[] = [];
	const removed: string[] = [];

	for (const [set, declaration] of after.sets) {
		if (!before.sets.has(set)) lines.push(`add ${declaration.kind} ${name} ${set} { ${declaration.body} }`);
	}
	const changed: [string, Chain][] = [];
	for (const [chain, definition] of after.chains) {
		const old = before.chains.get(chain);
		if (old === undefined) lines.push(`add chain ${name} ${chain}${definition.base === null ? '' : ` { ${definition.base} }`}`);
		else if (sameRules(old.rules, definition.rules)) continue;
		else lines.push(`flush chain ${name} ${chain}`);
		changed.push([chain, definition]);
	}
	for (const chain of before.chains.keys()) {
		if (after.chains.has(chain)) continue;
		lines.push(`flush chain ${name} ${chain}`);
		removed.push(`delete chain ${name} ${chain}`);
	}
	for (const [set, declaration] of before.sets) if (!after.sets.has(set)) removed.push(`delete ${declaration.kind} ${name} ${set}`);
	// Elements come before rules: a rule that looks into an interval set is then never seen with half of it.
	const { gone, fresh } = elementChange(before, after);
	for (const [set, keys] of gone) if (after.sets.has(set)) lines.push(`delete element ${name} ${set} { ${keys.join(', ')} }`);
	for (const [set, keys] of fresh) lines.push(`add element ${name} ${set} { ${keys.join(', ')} }`);
	for (const [chain, definition] of changed) for (const rule of definition.rules) lines.push(`add rule ${name} ${chain} ${rule}`);
	lines.push(...removed);
	return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/**
 * Whether the change could take away something that was allowed: anything but new elements, new objects and rules added
 * to what a chain had. What was allowed before must then be asked again.
 */
export function mayForbid(before: Table, after: Table): boolean {
	if (elementChange(before, after).gone.size > 0) return true;
	for (const [chain, definition] of before.chains) {
		const next = after.chains.get(chain);
		if (next === undefined) return true;
		const kept = new Set(next.rules);
		if (!definition.rules.every((rule) => kept.has(rule))) return true;
	}
	return false;
}

/** Elements to remove and to add, by set, as nft writes them. Only bundles that are other arrays are looked into. */
function elementChange(
	before: Table,
	after: Table,
): { readonly gone: ReadonlyMap<string, string[]>; readonly fresh: ReadonlyMap<string, string[]> } {
	const old = elementsOf(before, after);
	const next = elementsOf(after, before);
	return {
		gone: differing(old, next, (key) => key),
		fresh: differing(next, old, (key, value) => (value === null ? key : `${key} : ${value}`)),
	};
}

type ElementsBySet = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

/** Elements of the bundles that the other table has not; the first of several with one key counts. */
function elementsOf(table: Table, other: Table): ElementsBySet {
	const found = new Map<string, Map<string, string | null>>();
	for (const [id, bundle] of table.bundles) {
		if (other.bundles.get(id) === bundle) continue;
		for (const [set, key, value] of bundle) {
			let content = found.get(set);
			if (content === undefined) {
				content = new Map();
				found.set(set, content);
			}
			if (!content.has(key)) content.set(key, value);
		}
	}
	return found;
}

function differing(
	one: ElementsBySet,
	other: ElementsBySet,
	text: (key: string, value: string | null) => string,
): ReadonlyMap<string, string[]> {
	const result = new Map<string, string[]>();
	for (const [set, content] of one) {
		const counterpart = other.get(set);
		const lines: string[] = [];
		// A key that is missing is undefined, which no value is.
		for (const [key, value] of content) if (counterpart?.get(key) !== value) lines.push(text(key, value));
		if (lines.length > 0) result.set(set, lines);
	}
	return result;
}

function sameRules(one: readonly string[], other: readonly string[]): boolean {
	return one.length === other.length && one.every((rule, index) => rule === other[index]);
}

/**
 * A listing of nftables in a form that does not depend on the order in which objects came to be: for finding out
 * whether somebody changed the kernel's rules. The order of the rules of a chain stays.
 */
export function canonicalListing(listing: string): string {
	const blocks: string[] = [];
	let table = '';
	let block: string[] = [];
	for (const line of listing.split('\n')) {
		if (line.startsWith('table ')) {
			table = line;
			blocks.push(line);
		}
		if (line.startsWith('\t') && !line.startsWith('\t\t') && line.endsWith('{')) block = [table, line];
		else if (line === '\t}') blocks.push(block.join('\n'));
		else block.push(line);
	}
	// Elements may come in any order and broken into lines at any place.
	return blocks
		.map((text) =>
			text.replace(/elements = \{([^}]*)\}/, (_, elements: string) =>
				elements
					.split(',')
					.map((element) => element.trim())
					.sort()
					.join(),
			),
		)
		.sort()
		.join('\n');
}
