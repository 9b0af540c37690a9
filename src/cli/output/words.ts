/** How much time lies between, in the largest unit that fits: `5s`, `3m`, `2h`, `4d`. */
export function age(from: number, now: number): string {
	const seconds = Math.max(0, Math.floor((now - from) / 1000));
	if (seconds < 60) return `${seconds}s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
	return `${Math.floor(seconds / 86_400)}d`;
}

/** The instant of one of the API's times; null when it is none. Those without a zone are UTC. */
export function timeOf(text: string): number | null {
	if (text === '') return null;
	const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(text);
	const time = Date.parse(hasZone ? text : `${text.replace(' ', 'T')}Z`);
	return Number.isNaN(time) ? null : time;
}

/** One of the API's times as a person reads it, in UTC; empty when there is none. */
export function shownTime(text: string): string {
	const time = timeOf(text);
	return time === null ? text : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Bytes with a unit, such as `12.3 MiB`. */
export function bytesText(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit += 1;
	}
	return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}
