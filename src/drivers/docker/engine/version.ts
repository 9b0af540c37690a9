import { DriverError } from '../../driver.ts';
import { text } from './json.ts';

/** Docker 20.10's: the oldest that has all that the driver needs. */
const oldest = '1.41';
/** The newest whose changes were looked at; an engine that speaks a newer one speaks this one too. */
const newest = '1.47';

/** The version of the API to speak with an engine that answers `/version` so. Throws `unsupported` for one too old. */
export function negotiate(answer: unknown): string {
	const offered = text(answer, 'ApiVersion');
	if (!/^\d+\.\d+$/.test(offered)) throw new DriverError('failed', 'what listens on the socket does not answer like a Docker Engine');
	if (compare(offered, oldest) < 0) {
		const release = text(answer, 'Version');
		throw new DriverError('unsupported', `Docker Engine ${release} speaks API ${offered}; 20.10 (API ${oldest}) or newer is needed`);
	}
	const chosen = compare(offered, newest) < 0 ? offered : newest;
	const least = text(answer, 'MinAPIVersion');
	return /^\d+\.\d+$/.test(least) && compare(chosen, least) < 0 ? least : chosen;
}

function compare(left: string, right: string): number {
	const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
	const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
	return leftMajor - rightMajor || leftMinor - rightMinor;
}
