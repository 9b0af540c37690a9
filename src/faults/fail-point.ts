/**
 * Named places at which a crash test ends the process as a power cut would. Without the environment variable
 * ZUNBOX_FAIL_POINT a call costs one comparison.
 *
 * The variable holds `<name>` or `<name>@<n>`: at the n-th pass (1 = the first) through the point of that name the
 * process kills itself with SIGKILL. With `file:<path>` the file holds that, and is read at each pass: a test can
 * choose the place while the process runs. With ZUNBOX_FAIL_POINT_LOG set to a file's path, each pass through any point
 * is written there, which is how a test learns the names.
 */
import { appendFileSync, readFileSync } from 'node:fs';

const setting = process.env['ZUNBOX_FAIL_POINT'] ?? '';
const file = setting.startsWith('file:') ? setting.slice('file:'.length) : null;
const log = process.env['ZUNBOX_FAIL_POINT_LOG'] ?? '';
const active = setting !== '' || log !== '';
let wanted = '';
let passes = 0;

/** Marks a place where a crash must do no harm. Names are `<layer>.<subject>.<moment>`. */
export function failPoint(name: string): void {
	if (!active) return;
	if (log !== '') appendFileSync(log, `${name}\n`);
	const now = file === null ? setting : contentOf(file);
	if (now !== wanted) passes = 0;
	wanted = now;
	const [wantedName, wantedPass = '1'] = now.split('@');
	if (name !== wantedName) return;
	passes += 1;
	if (passes === Number(wantedPass)) process.kill(process.pid, 'SIGKILL');
}

function contentOf(path: string): string {
	try {
		return readFileSync(path, 'utf8').trim();
	} catch {
		return '';
	}
}
