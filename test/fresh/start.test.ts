import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { collectOutput, FreshMachine } from './fresh-machine.ts';

/** Stops the service as Ctrl-C does, by a signal to the script that started it. */
const interrupt = `for process in /proc/[0-9]*; do
	if tr '\\0' ' ' <$process/cmdline | grep -q '^/bin/sh scripts/start.sh'; then kill -INT \${process#/proc/}; fi
done`;

/** The Engine runs on between the two starts, as it does on a machine. Containers are made by their images' ids. */
const twoStarts = `
	npm start & start=$!
	while ! [ -e /first-seen ]; do sleep 0.1; done
	${interrupt}
	wait $start; echo "first start ended with $?"
	for image in $(docker inspect --format '{{.Image}}' $(docker ps -q)); do
		docker image inspect --format 'left running: {{index .RepoTags 0}}' $image
	done
	npm start & start=$!
	while ! [ -e /second-seen ]; do sleep 0.1; done
	${interrupt}
	wait $start; echo "second start ended with $?"
	docker rm -f $(docker ps -aq) >/dev/null
`;

describe('on a machine that has only Node.js, npm and root', async () => {
	const machine = await FreshMachine.make();
	after(() => machine.remove());

	test('what is missing is installed, and said', async () => {
		const setUp = 'root=$PWD; . scripts/set-up.sh; ensure_npm_packages; ensure_service_packages';
		const written = await machine.call(setUp, 'shared', 300_000);
		assert.match(written, /^zunbox: installing the npm packages/m);
		assert.match(written, /^zunbox: installing from apt: .*docker\.io.*nftables/m);
		assert.equal(await machine.call(setUp, 'own', 60_000), '', 'a second time there is nothing to do, and no network is needed');
	});

	test('npm start shows the main job once, leaves containers running, and starts again at once', async (t) => {
		const child = machine.start(twoStarts, 'own');
		t.after(() => child.kill('SIGKILL'));
		const written = collectOutput(child);
		const saw = async (pattern: RegExp, part: () => string) => {
			await eventually(`npm start writes ${pattern}`, () => pattern.test(part()) || child.exitCode !== null, { timeout: 120_000 }).catch(
				() => {},
			);
			assert.match(part(), pattern);
		};
		await saw(/type in another terminal/, written);
		const first = written();
		assert.match(first, /container web +Running +\d+\.\d+\.\d+\.\d+/);
		assert.match(first, /the client, asking http:\/\/localhost\/, got: Hello/);
		await machine.touch('first-seen');

		const second = () => written().slice(first.length);
		await saw(/^> exec/m, second);
		const begun = performance.now();
		await saw(/type in another terminal/, second);
		/* Three seconds are promised; a loaded machine gets more. */
		assert.ok(performance.now() - begun < 10_000);
		assert.doesNotMatch(second(), /first start: making|installing/);
		await machine.touch('second-seen');

		await once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
		assert.match(written(), /first start ended with 0/);
		assert.match(written(), /second start ended with 0/);
		assert.equal(written().match(/left running: zunbox\/busybox/g)?.length, 2);
	});
});
