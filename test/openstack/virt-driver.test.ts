import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** The virt driver's own tests, under the Nova of this machine. They need none of the cloud's services. */
test("the virt driver's own tests pass under the installed Nova", { timeout: 300_000 }, async () => {
	const folder = path.resolve(import.meta.dirname, '../../nova-virt-driver');
	const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', PYTHONDONTWRITEBYTECODE: '1' };
	await promisify(execFile)('/usr/bin/python3', ['-m', 'unittest', '--verbose'], { cwd: folder, env, timeout: 240_000 });
});
