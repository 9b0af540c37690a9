/** A microversion such as 1.41. The major number is always 1. */
export type Minor = number;

export const minimumMinor: Minor = 1;
/**
 * 1.40 is the last of Zun's. 1.41: sandboxes, and `sandbox` and `sandbox_id` of containers. 1.42: volumes, events, commits,
 * waits, keys of creates, networks of sandboxes, what else containers show and take, and what capsules can beyond Zun.
 */
export const maximumMinor: Minor = 42;
export const minimumVersion = `1.${minimumMinor}`;
export const maximumVersion = `1.${maximumMinor}`;

/** Versions at which something exists; both ends included. */
export interface VersionRange {
	readonly from?: Minor;
	readonly to?: Minor;
}

export function isWithin(version: Minor, range: VersionRange): boolean {
	return version >= (range.from ?? minimumMinor) && version <= (range.to ?? maximumMinor);
}

export type Negotiated = { readonly ok: true; readonly minor: Minor } | { readonly ok: false; readonly reason: string };

/**
 * Reads `OpenStack-API-Version`. Missing = the lowest version. It is two words: `container` and a version, which may
 * be `latest` (also as `1.latest`, which stock clients may send).
 */
export function negotiate(header: string | undefined): Negotiated {
	if (header === undefined) return { ok: true, minor: minimumMinor };
	const words = header.trim().split(/\s+/);
	const [service, version] = words;
	if (words.length !== 2 || service === undefined || version === undefined || service.toLowerCase() !== 'container') {
		return { ok: false, reason: `Invalid service type for OpenStack-API-Version header: expected 'container <version>'.` };
	}
	const lower = version.toLowerCase();
	if (lower === 'latest' || lower === '1.latest') return { ok: true, minor: maximumMinor };
	const match = /^([1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/.exec(version);
	if (match === null) return { ok: false, reason: `Invalid value for OpenStack-API-Version header: '${version.slice(0, 40)}'.` };
	const minor = Number(match[2]);
	if (match[1] !== '1' || minor < minimumMinor || minor > maximumMinor) {
		return {
			ok: false,
			reason: `Version ${version} was requested but the minor version is not supported by this service. The supported version range is: [${minimumVersion}, ${maximumVersion}].`,
		};
	}
	return { ok: true, minor };
}
