import type { HostPort } from '../../model/spec.ts';

/**
 * A profile is one combination of security groups. Ports that share it share chains, so that a port costs elements of
 * maps and no rules of its own. A profile's number marks packets on their way: 16 bits each for the port they come from
 * and the port they go to.
 */
export type ProfileKey = string;

/** The profile of ports to which no rules apply. */
export const openProfile: ProfileKey = 'open';

export function profileOf(port: HostPort): ProfileKey {
	return port.portSecurity ? JSON.stringify([...new Set(port.securityGroupIds)].sort()) : openProfile;
}

export function profileGroups(profile: ProfileKey): readonly string[] {
	return profile === openProfile ? [] : JSON.parse(profile);
}

const highestNumber = 0xffff;

/**
 * Numbers for the profiles that are in use. One that had a number keeps it, so that a change touches only what is new;
 * numbers of profiles gone are free again. Throws when there are more combinations than numbers.
 */
export function numberProfiles(used: Iterable<ProfileKey>, previous: ReadonlyMap<ProfileKey, number>): ReadonlyMap<ProfileKey, number> {
	const numbers = new Map<ProfileKey, number>();
	const fresh: ProfileKey[] = [];
	for (const profile of new Set(used)) {
		const number = previous.get(profile);
		if (number === undefined) fresh.push(profile);
		else numbers.set(profile, number);
	}
	const taken = new Set(numbers.values());
	let next = 1;
	for (const profile of fresh) {
		while (taken.has(next)) next += 1;
		if (next > highestNumber) throw new Error(`a network has more than ${highestNumber} combinations of security groups`);
		taken.add(next);
		numbers.set(profile, next);
	}
	return numbers;
}
