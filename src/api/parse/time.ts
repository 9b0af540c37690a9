/** Times as Zun's objects write them: UTC, without a zone, `YYYY-MM-DD HH:MM:SS[.ffffff]`. */
export function zunTime(time: number): string {
	const iso = new Date(time).toISOString();
	const fraction = iso.slice(20, 23);
	return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === '000' ? '' : `.${fraction}000`}`;
}

/** Times of container actions: as above with a `T` and always the fraction. */
export function zunActionTime(time: number): string {
	return `${new Date(time).toISOString().slice(0, 23)}000`;
}

/** Times in what we add to Zun: ISO 8601 in UTC. */
export function isoTime(time: number | null): string | null {
	return time === null ? null : new Date(time).toISOString();
}
