/**
 * A table of nftables as named objects, and the text that makes the kernel hold it. A change is the difference of two
 * such tables, so that its cost follows from what changed and not from how much there is.
 */
export interface Table {
	readonly family: 'inet' | 'bridge';
	readonly name: string;
	readonly sets: ReadonlyMap<string, SetDeclaration>;
	readonly chains: ReadonlyMap<string, Chain>;
	/** Set or map → key → value; null for the elements of a set. */
	readonly elements: ReadonlyMap<string, ReadonlyMap<string, string | null>>;
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

/** The text that replaces whatever the table held before, in one transaction. */
export function renderTable(table: Table): string {
	const name = `${table.family} ${table.name}`;
	return `add table ${name}\ndelete table ${name}\nadd table ${name}\n${renderChange(emptyTable(table), table)}`;
}

export function emptyTable(table: Pick<Table, 'family' | 'name'>): Table {
	return { family: table.family, name: table.name, sets: new Map(), chains: new Map(), elements: new Map() };
}

/**
 * The text that leads from one state of a table to the next in one transaction; empty when they are the same. The order
 * keeps every reference whole: what is pointed to is made first and removed last.
 */
export function renderChange(before: Table, after: Table): string {
	const name = `${after.family} ${after.name}`;
	const lines: string[] = [];
	const goneElements: string[] = [];
	const newElements: string[] = [];
	const removed: string[] = [];

	for (const [set, declaration] of after.sets) {
		if (!before.sets.has(set)) lines.push(`add ${declaration.kind} ${name} ${set} { ${declaration.body} }`);
		const change = elementChange(before.elements.get(set) ?? noElements, after.elements.get(set) ?? noElements);
		if (change.gone.length > 0) goneElements.push(`delete element ${name} ${set} { ${change.gone.join(', ')} }`);
		if (change.fresh.length > 0) newElements.push(`add element ${name} ${set} { ${change.fresh.join(', ')} }`);
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
	lines.push(...goneElements, ...newElements);
	for (const [chain, definition] of changed) for (const rule of definition.rules) lines.push(`add rule ${name} ${chain} ${rule}`);
	lines.push(...removed);
	return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/**
 * Whether the change could take away something that was allowed: anything but new elements, new objects and rules added
 * to what a chain had. What was allowed before must then be asked again.
 */
export function mayForbid(before: Table, after: Table): boolean {
	for (const [set, elements] of before.elements) {
		const next = after.elements.get(set);
		for (const [key, value] of elements) if (next === undefined || next.get(key) !== value) return true;
	}
	for (const [chain, definition] of before.chains) {
		const next = after.chains.get(chain);
		if (next === undefined) return true;
		const kept = new Set(next.rules);
		if (!definition.rules.every((rule) => kept.has(rule))) return true;
	}
	return false;
}

const noElements: ReadonlyMap<string, string | null> = new Map();

function elementChange(
	before: ReadonlyMap<string, string | null>,
	after: ReadonlyMap<string, string | null>,
): { readonly gone: string[]; readonly fresh: string[] } {
	const gone: string[] = [];
	const fresh: string[] = [];
	for (const [key, value] of before) if (after.get(key) !== value) gone.push(key);
	for (const [key, value] of after) if (before.get(key) !== value) fresh.push(value === null ? key : `${key} : ${value}`);
	return { gone, fresh };
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
