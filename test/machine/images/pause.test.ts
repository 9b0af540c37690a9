import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { hostArchitecture, type ImageArchitecture } from '../../../src/drivers/images/image-archive.ts';
import { pauseBinaryPath } from '../../../src/drivers/images/pause-archive.ts';
import { eventually } from '../../support/eventually.ts';

/** The kernel's number of rt_sigtimedwait: where pause waits once it has blocked every signal. */
const waiting = hostArchitecture() === 'amd64' ? '128' : '137';

const built = mkdtempSync(path.join(tmpdir(), 'zunbox-pause-'));
after(() => rmSync(built, { recursive: true, force: true }));
const buildScript = path.resolve(import.meta.dirname, '../../../images/pause/build.sh');
execFileSync(buildScript, [built], { timeout: 60_000 });
const builtHere = new Set(readdirSync(built));

interface Variant {
	readonly name: string;
	readonly architecture: ImageArchitecture;
	readonly program: string;
	/** Why it cannot be run here. */
	readonly skip: string | false;
}

const emulator: Record<ImageArchitecture, string> = { amd64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' };

function isInstalled(program: string): boolean {
	return (process.env['PATH'] ?? '')
		.split(':')
		.some((folder) => statSync(path.join(folder, program), { throwIfNoEntry: false }) !== undefined);
}

function variants(architecture: ImageArchitecture): readonly Variant[] {
	const foreign = architecture !== hostArchitecture();
	const noEmulator =
		foreign && !isInstalled(emulator[architecture]) ? `${emulator[architecture]} (qemu-user-static) is not installed` : false;
	const notBuilt = builtHere.has(`pause-${architecture}`) ? false : `no compiler for ${architecture} is installed`;
	return [
		{ name: `kept, ${architecture}`, architecture, program: pauseBinaryPath(architecture), skip: noEmulator },
		{
			name: `built now, ${architecture}`,
			architecture,
			program: path.join(built, `pause-${architecture}`),
			skip: foreign && (notBuilt || noEmulator),
		},
	];
}

function commandOf(variant: Variant): readonly [string, ...string[]] {
	return variant.architecture === hostArchitecture() ? [variant.program] : [emulator[variant.architecture], variant.program];
}

function status(pid: number, field: string): string {
	return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

/** Host pids of a process's children, zombies among them. */
function childrenOf(pid: number): readonly number[] {
	return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function untilWaiting(pid: number): Promise<void> {
	await eventually('pause waits for signals', () => readFileSync(`/proc/${pid}/syscall`, 'utf8').split(' ')[0] === waiting);
}

/** Runs it as process 1 of a PID namespace; unshare, its parent, ends with its exit status. */
async function asProcessOne(t: TestContext, variant: Variant): Promise<{ parent: ChildProcess; pid: number }> {
	const parent = spawn('unshare', ['--pid', '--fork', '--kill-child', '--', ...commandOf(variant)], { stdio: 'ignore' });
	t.after(() => parent.kill('SIGKILL'));
	const { pid: unshare } = parent;
	assert.ok(unshare !== undefined);
	const pid = await eventually('unshare has its child', () => childrenOf(unshare)[0]);
	await untilWaiting(pid);
	return { parent, pid };
}

/** ms from the signal to the end; fails on another end than exit status 0. */
async function endsBy(child: ChildProcess, pid: number, signal: NodeJS.Signals): Promise<number> {
	const start = performance.now();
	process.kill(pid, signal);
	const [code, killedBy] = await once(child, 'exit', { signal: AbortSignal.timeout(20_000) });
	assert.deepEqual([code, killedBy], [0, null]);
	return performance.now() - start;
}

/** Makes children of process 1: each shell leaves its sleepers behind as orphans. Answers when all have ended. */
function makeOrphans(pid: number, count: number): void {
	const script = `for i in $(seq ${count}); do sleep 0.0$((i % 9)) & done; exit 0`;
	execFileSync('nsenter', ['--target', String(pid), '--pid', '--', 'sh', '-c', script], { timeout: 20_000 });
}

for (const architecture of ['amd64', 'arm64'] as const) {
	for (const variant of variants(architecture)) {
		describe(`pause (${variant.name})`, { skip: variant.skip }, () => {
			const native = architecture === hostArchitecture();

			test('is small on disk and in memory', async (t) => {
				assert.ok(statSync(variant.program).size < 20_000);
				const { pid } = await asProcessOne(t, variant);
				if (native) assert.ok(Number.parseInt(status(pid, 'VmRSS'), 10) < 1024);
			});

			test('reaps every orphan', async (t) => {
				const { pid } = await asProcessOne(t, variant);
				for (let round = 0; round < 3; round += 1) {
					makeOrphans(pid, 50);
					await eventually('no orphan and no zombie is left', () => childrenOf(pid).length === 0);
				}
			});

			for (const signal of ['SIGTERM', 'SIGINT'] as const) {
				test(`exits with 0 within 100 ms of ${signal}`, async (t) => {
					const times: number[] = [];
					/* The shortest of some: what a busy machine adds is not pause's. */
					for (let attempt = 0; attempt < 5 && Math.min(...times) >= 100; attempt += 1) {
						const { parent, pid } = await asProcessOne(t, variant);
						times.push(await endsBy(parent, pid, signal));
					}
					assert.ok(Math.min(...times) < 100, `took ${times.map(Math.round).join(', ')} ms`);
				});
			}

			test('SIGTERM is heard while orphans keep coming', async (t) => {
				const { parent, pid } = await asProcessOne(t, variant);
				const storm = spawn('nsenter', ['--target', String(pid), '--pid', '--', 'sh', '-c', 'while :; do (true &) ; done'], {
					stdio: 'ignore',
				});
				t.after(() => storm.kill('SIGKILL'));
				await eventually('the storm has begun', () => childrenOf(pid).length > 0, { interval: 0 });
				await endsBy(parent, pid, 'SIGTERM');
			});

			test('no other signal ends it', async (t) => {
				const { parent, pid } = await asProcessOne(t, variant);
				const deadly = new Set<number>([
					constants.signals.SIGKILL,
					constants.signals.SIGSTOP,
					constants.signals.SIGTERM,
					constants.signals.SIGINT,
				]);
				/* An emulator takes some signals for itself: there, those that programs use. */
				const { SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGCHLD, SIGWINCH } = constants.signals;
				const signals = native
					? Array.from({ length: 64 }, (_, index) => index + 1).filter((signal) => !deadly.has(signal))
					: [SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGCHLD, SIGWINCH];
				for (const signal of signals) process.kill(pid, signal);
				await untilWaiting(pid);
				makeOrphans(pid, 5);
				await eventually('it still reaps', () => childrenOf(pid).length === 0);
				await endsBy(parent, pid, 'SIGTERM');
			});

			test('behaves the same where it is not process 1', async (t) => {
				const [program, ...args] = commandOf(variant);
				const child = spawn(program, args, { stdio: 'ignore' });
				t.after(() => child.kill('SIGKILL'));
				const { pid } = child;
				assert.ok(pid !== undefined);
				await untilWaiting(pid);
				process.kill(pid, 'SIGHUP');
				process.kill(pid, 'SIGUSR1');
				await untilWaiting(pid);
				await endsBy(child, pid, 'SIGTERM');
			});
		});
	}
}
