/** Inside of the cloud's world: brings the cloud up, then runs the command. See enter.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startCloud } from './cloud.ts';
import { Place } from './place.ts';

const [program, ...words] = process.argv.slice(2);
if (program === undefined) throw new Error('main.ts <command> ...');
const place = Place.current();
/* What still runs ends with the world, whose main process this is. */
process.on('SIGTERM', () => process.exit(143));
try {
	const start = performance.now();
	await startCloud(place, (line) => {
		if (process.env['ZUNBOX_TEST_CLOUD_VERBOSE'] !== undefined) console.error(`cloud: ${line}`);
	});
	console.error(`cloud: up in ${((performance.now() - start) / 1000).toFixed(1)} s`);
} catch (error) {
	console.error('cloud: it did not come up; the logs are below', place.folder, error);
	process.exit(3);
}
// What the command leaves in the temporary folder goes with the cloud's.
const child = spawn(program, words, { stdio: 'inherit', env: { ...process.env, TMPDIR: place.data('tmp') } });
const [code] = await once(child, 'exit');
process.exit(code ?? 1);
