/**
 * `npm run bench:openstack`, inside of the test cloud: measures what SPEC.md promises on OpenStack, as `npm run bench`
 * does, with the same table, results and status.
 */
import { chosen, runMeasurements } from '../support/runner.ts';
import { joining } from './figures/joining.ts';
import { polling } from './figures/polling.ts';
import { reads } from './figures/reads.ts';
import { ready } from './figures/ready.ts';
import { MeasuredCloud } from './measured-cloud.ts';

async function main(): Promise<number> {
	const names = process.argv.slice(2);
	const cloud = await MeasuredCloud.open();
	try {
		const taken = chosen([ready(cloud), joining(cloud), reads(cloud), polling(cloud)], names);
		return taken === null ? 2 : await runMeasurements(taken, 'openstack-');
	} finally {
		await cloud.remove();
	}
}

process.exit(await main());
