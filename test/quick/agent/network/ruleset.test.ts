import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
	type Chain,
	canonicalListing,
	type Element,
	emptyTable,
	mayForbid,
	renderChange,
	renderTable,
	type SetDeclaration,
	type Table,
} from '../../../../src/agent/network/ruleset.ts';

/** A table as a kernel holds it. */
interface KernelTable {
	readonly sets: ReadonlyMap<string, SetDeclaration>;
	readonly chains: ReadonlyMap<string, Chain>;
	readonly elements: ReadonlyMap<string, ReadonlyMap<string, string | null>>;
}

function held(table: Table): KernelTable {
	const elements = new Map<string, Map<string, string | null>>();
	for (const [set, key, value] of [...table.bundles.values()].flat()) elements.set(set, (elements.get(set) ?? new Map()).set(key, value));
	return { sets: table.sets, chains: table.chains, elements };
}

/** What a kernel does with the text, for the objects that we use; throws where the kernel would refuse. */
function applyText(before: KernelTable, text: string): KernelTable {
	const sets = new Map(before.sets);
	const chains = new Map(before.chains);
	const elements = new Map([...before.elements].map(([name, content]) => [name, new Map(content)]));
	const content = (name: string): Map<string, string | null> => {
		assert.ok(sets.has(name), `no set ${name}`);
		const found = elements.get(name) ?? new Map<string, string | null>();
		elements.set(name, found);
		return found;
	};
	const uses = (name: string): boolean =>
		[...chains.values()].some((chain) => chain.rules.some((rule) => rule.split(' ').includes(name))) ||
		[...elements.values()].some((map) => [...map.values()].some((value) => value?.split(' ').includes(name)));
	for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
		const [verb = '', kind = '', , , name = '', ...rest] = line.split(' ');
		const inner = /\{ (.*) \}$/.exec(line)?.[1] ?? '';
		if (kind === 'table') continue;
		if (verb === 'add' && (kind === 'set' || kind === 'map')) sets.set(name, { kind, body: inner });
		else if (verb === 'add' && kind === 'chain') chains.set(name, { base: inner === '' ? null : inner, rules: [] });
		else if (verb === 'add' && kind === 'rule') {
			const chain = chains.get(name);
			assert.ok(chain !== undefined, `no chain ${name}`);
			for (const word of rest) if (word.startsWith('chain_')) assert.ok(chains.has(word), `${word} is jumped to before it is there`);
			for (const word of rest) if (word.startsWith('@')) assert.ok(sets.has(word.slice(1)), `${word} is used before it is there`);
			chains.set(name, { ...chain, rules: [...chain.rules, rest.join(' ')] });
		} else if (verb === 'flush') {
			const chain = chains.get(name);
			assert.ok(chain !== undefined);
			chains.set(name, { ...chain, rules: [] });
		} else if (verb === 'add' && kind === 'element') {
			for (const element of inner.split(', ')) {
				const [key = '', value = null] = element.split(' : ');
				assert.ok(!content(name).has(key), `${key} is there twice`);
				if (value !== null) assert.ok(chains.has(value.split(' ')[1] ?? ''), `${value} is not there`);
				content(name).set(key, value);
			}
		} else if (verb === 'delete' && kind === 'element') {
			for (const key of inner.split(', ')) assert.ok(content(name).delete(key), `${key} is not there`);
		} else if (verb === 'delete' && kind === 'chain') {
			assert.equal(chains.get(name)?.rules.length, 0);
			assert.ok(!uses(name), `${name} is in use`);
			chains.delete(name);
		} else if (verb === 'delete') {
			assert.ok(!uses(`@${name}`), `${name} is in use`);
			sets.delete(name);
			elements.delete(name);
		} else assert.fail(line);
	}
	return { sets, chains, elements };
}

const chainNames = ['chain_a', 'chain_b', 'chain_c'];
const tables: fc.Arbitrary<Table> = fc
	.record({
		chains: fc.dictionary(
			fc.constantFrom(...chainNames),
			fc.array(fc.constantFrom('accept', 'drop', 'tcp dport 1 accept', 'ip saddr @set_a accept'), { maxLength: 3 }),
		),
		elements: fc.dictionary(fc.constantFrom('1', '2', '3', '4'), fc.constantFrom(...chainNames)),
		members: fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3')),
		withSet: fc.boolean(),
	})
	.map(({ chains, elements, members, withSet }) => {
		const usable = Object.entries(chains).map(
			([name, rules]) => [name, { base: null, rules: rules.filter((rule) => withSet || !rule.includes('@')) }] as const,
		);
		const known = new Set(usable.map(([name]) => name));
		return {
			family: 'inet' as const,
			name: 't',
			sets: new Map<string, SetDeclaration>([
				['map_a', { kind: 'map' as const, body: 'type mark : verdict;' }],
				...(withSet ? [['set_a', { kind: 'set' as const, body: 'type ipv4_addr;' }] as const] : []),
			]),
			chains: new Map<string, Chain>([
				...usable,
				['base', { base: 'type filter hook forward priority 0; policy drop;', rules: ['meta mark vmap @map_a'] }],
			]),
			// Two bundles for one map, so that elements wander between them.
			bundles: new Map<string, readonly Element[]>([
				...[0, 1].map((half) => {
					const own = Object.entries(elements).filter(([key, chain]) => known.has(chain) && (Number(key) + members.length) % 2 === half);
					return [`half ${half}`, own.map(([key, chain]): Element => ['map_a', key, `goto ${chain}`])] as const;
				}),
				['members', withSet ? members.map((member): Element => ['set_a', member, null]) : []],
			]),
		};
	});

function plain(table: KernelTable): unknown {
	const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([one], [other]) => (one < other ? -1 : 1));
	return {
		sets: sorted(table.sets).map(([name]) => name),
		chains: sorted(table.chains),
		elements: sorted(table.elements)
			.map(([name, content]) => [name, sorted(content)])
			.filter(([, content]) => content !== undefined && content.length > 0),
	};
}

describe('the change from one table to another', () => {
	test('leads there, in an order that the kernel takes', () => {
		fc.assert(
			fc.property(tables, tables, (before, after) => {
				assert.deepEqual(plain(applyText(held(before), renderChange(before, after))), plain(held(after)));
			}),
		);
	});

	test('is empty between equal tables, and whole from nothing', () => {
		fc.assert(
			fc.property(tables, (table) => {
				assert.equal(renderChange(table, table), '');
				assert.equal(mayForbid(table, table), false);
				assert.deepEqual(plain(applyText(held(emptyTable(table)), renderTable(table))), plain(held(table)));
			}),
		);
	});

	test('may forbid unless everything that was there stays', () => {
		fc.assert(
			fc.property(tables, tables, (before, after) => {
				const next = held(after).elements;
				const gone = [...held(before).elements].some(([set, content]) =>
					[...content].some(([key, value]) => next.get(set)?.get(key) !== value),
				);
				if (gone) assert.equal(mayForbid(before, after), true);
				assert.equal(mayForbid(emptyTable(before), after), false);
			}),
		);
	});
});

describe('a listing in its canonical form', () => {
	const listing =
		'table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1, 10.0.0.2,\n\t\t\t     10.0.0.3 }\n\t}\n\n\tchain c {\n\t\taccept\n\t\tdrop\n\t}\n}\n';
	test('does not depend on the order of objects and elements', () => {
		const other =
			'table inet t {\n\tchain c {\n\t\taccept\n\t\tdrop\n\t}\n\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.3, 10.0.0.1, 10.0.0.2 }\n\t}\n}\n';
		assert.equal(canonicalListing(listing), canonicalListing(other));
	});
	test('shows a lost element, a changed order of rules and an empty table', () => {
		for (const other of [
			listing.replace(', 10.0.0.2', ''),
			listing.replace('accept\n\t\tdrop', 'drop\n\t\taccept'),
			`${listing}table ip x {\n}\n`,
		]) {
			assert.notEqual(canonicalListing(listing), canonicalListing(other));
		}
	});
});
