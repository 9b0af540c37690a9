/**
 * How what the driver makes is named and marked in the engine. Names are made from our ids, which is what makes a
 * repeated creation find the first one's work.
 */

export const sandboxEngineName = (sandboxId: string): string => `zunbox-sandbox-${sandboxId}`;
export const containerEngineName = (containerId: string): string => `zunbox-${containerId}`;

/**
 * Labels that are ours. All of them are set on everything that the driver makes, also to '', since a container inherits
 * what it does not set itself from its image, and an image is its maker's.
 */
export const labels = {
	owner: 'zunbox.owner',
	/** `sandbox` or `container`. */
	kind: 'zunbox.kind',
	sandbox: 'zunbox.sandbox',
	container: 'zunbox.container',
	name: 'zunbox.name',
	/** Name of its image, since the engine is told the id. */
	image: 'zunbox.image',
	revision: 'zunbox.revision',
	/** Hostname and ports that were asked for: the engine refuses both for a container that joins another's network. */
	hostname: 'zunbox.hostname',
	ports: 'zunbox.ports',
} as const;

/** Users' labels stand behind this, so that none of them can pass for one of ours. */
export const userLabelPrefix = 'zunbox.label.';

/** The filter, as the engine wants it, for what an installation made: all of it or one sandbox's. */
export function ownFilter(owner: string, sandboxId?: string): Readonly<Record<string, readonly string[]>> {
	const own = [`${labels.owner}=${owner}`];
	return { label: sandboxId === undefined ? own : [...own, `${labels.sandbox}=${sandboxId}`] };
}
