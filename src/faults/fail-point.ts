/**
 * Named places at which a crash test ends the process as a power cut would. Without the environment variable
 * ZUNBOX_FAIL_POINT a call costs one comparison.
 *
 * The variable holds `<name>` or `<name>@<n>`: at the n-th pass (1 = the first) through the point of that name the
 * process kills itself with SIGKILL. With ZUNBOX_FAIL_POINT_LOG set to a file's path, each pass through any point
 * is written there, which is how a test learns the names.
 */
import { appendFileSync } from 'node:fs';

const wanted = process.env['ZUNBOX_FAIL_POINT'] ?? '';
const log = process.env['ZUNBOX_FAIL_POINT_LOG'] ?? '';
const active = wanted !== '' || log !== '';
const [wantedName, wantedPass = '1'] = wanted.split('@');
let passes = 0;

/** Marks a place where a crash must do no harm. Names are `<layer>.<subject>.<moment>`. */
export function failPoint(name: string): void {
	if (!active) return;
	if (log !== '') appendFileSync(log, `${name}\n`);
	if (name !== wantedName) return;
	passes += 1;
	if (passes === Number(wantedPass)) process.kill(process.pid, 'SIGKILL');
}
