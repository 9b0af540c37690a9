import { fail } from '../../../model/errors.ts';
import type { NovaFlavor } from '../../../openstack/nova.ts';
import type { ServerWish } from '../compute-provider.ts';

/**
 * The flavor for a sandbox: the one that is named, by id or name, or the smallest that all of it fits in. A disk of 0 GiB
 * is for administrators only, as images may be of any size, so such a flavor is taken only where it is named. Throws
 * invalid-value with what there is.
 */
export function chooseFlavor(flavors: readonly NovaFlavor[], wish: ServerWish): NovaFlavor {
	if (wish.flavor !== null) {
		const named = flavors.find(({ id }) => id === wish.flavor) ?? flavors.find(({ name }) => name === wish.flavor);
		if (named === undefined) throw fail('invalid-value', `There is no flavor ${wish.flavor}: ${known(flavors)}.`);
		if (!fits(named, wish)) {
			throw fail('invalid-value', `Flavor ${described(named)} is too small for ${sizeOf(wish)}.`);
		}
		return named;
	}
	const [smallest] = flavors.filter((flavor) => flavor.diskGib > 0 && fits(flavor, wish)).sort(bySize);
	if (smallest === undefined) throw fail('invalid-value', `No flavor is large enough for ${sizeOf(wish)}: ${known(flavors)}.`);
	return smallest;
}

function fits(flavor: NovaFlavor, { cpu, memoryMib, diskGib }: ServerWish): boolean {
	return flavor.vcpus >= cpu && flavor.memoryMib >= memoryMib && flavor.diskGib >= diskGib;
}

/** By cores and memory together, a core as much as 2 GiB: one with little memory and a thousand cores is not small. */
function bySize(one: NovaFlavor, other: NovaFlavor): number {
	return weight(one) - weight(other) || one.diskGib - other.diskGib || (one.name < other.name ? -1 : 1);
}

function weight({ vcpus, memoryMib }: NovaFlavor): number {
	return vcpus * 2048 + memoryMib;
}

function sizeOf({ cpu, memoryMib, diskGib }: ServerWish): string {
	return `${cpu} cores, ${memoryMib} MiB and ${diskGib} GiB`;
}

function described({ name, vcpus, memoryMib, diskGib }: NovaFlavor): string {
	return `${name} (${vcpus} cores, ${memoryMib} MiB, ${diskGib} GiB)`;
}

function known(flavors: readonly NovaFlavor[]): string {
	return flavors.length === 0 ? 'the project may use none' : `the project may use ${flavors.slice(0, 20).map(described).join(', ')}`;
}
