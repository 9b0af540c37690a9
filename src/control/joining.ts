import { fail } from '../model/errors.ts';
import type { CreateContainer, SandboxPlacement } from './control.ts';

/** What belongs to a sandbox, by the names that users know. */
const placementFields = {
	nets: 'nets',
	securityGroups: 'security_groups',
	host: 'host',
	availabilityZone: 'availability_zone',
	hints: 'hints',
	runtime: 'runtime',
} as const satisfies Record<keyof SandboxPlacement, string>;

/** A container that joins a sandbox brings nothing that is the sandbox's own. What is empty counts as not given. */
export function checkJoining(input: Pick<CreateContainer, keyof SandboxPlacement | 'sandbox'>): void {
	if (input.sandbox === undefined) return;
	const given = Object.entries(placementFields).flatMap(([field, name]) => (isEmpty(Reflect.get(input, field)) ? [] : name));
	if (given.length === 0) return;
	throw fail('invalid-value', `${given.join(', ')} cannot be given with an existing sandbox: that belongs to the sandbox itself.`);
}

function isEmpty(value: unknown): boolean {
	if (value === undefined) return true;
	return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
