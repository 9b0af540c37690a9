import { DriverError, type SandboxDriver } from '../../drivers/driver.ts';
import type { Hook } from './hook.ts';
import { nameFilePaths } from './name-files.ts';

/** The engine's namespace holder. */
export function holderHook(sandboxes: SandboxDriver, stateDirectory: string): Hook {
	return {
		async setUp({ sandboxId, spec }, signal) {
			const paths = nameFilePaths(stateDirectory, sandboxId);
			const { name, hostname, namespaces, runtime, cpu, memory } = spec;
			const { ipc, pid } = namespaces;
			const files = { hostsFile: paths.hosts, resolvFile: paths.resolv };
			await sandboxes.create({ id: sandboxId, name, hostname, ipc, pid, runtime, cpu, memory, ...files }, signal);
		},
		async tearDown({ sandboxId }, signal) {
			await unlessGone(sandboxes.remove(sandboxId, signal));
		},
	};
}

/** Whether the holder runs. */
export function startHook(sandboxes: SandboxDriver): Hook {
	return {
		async setUp({ sandboxId }, signal) {
			await sandboxes.start(sandboxId, signal);
		},
		async tearDown({ sandboxId }, signal) {
			await unlessGone(sandboxes.stop(sandboxId, signal));
		},
	};
}

/** Limits of the sandbox as a whole. They go with the holder. */
export function limitsHook(sandboxes: SandboxDriver): Hook {
	return {
		async setUp({ sandboxId, spec }, signal) {
			await sandboxes.update(sandboxId, { cpu: spec.cpu, memory: spec.memory }, signal);
		},
		async tearDown() {},
	};
}

async function unlessGone(call: Promise<void>): Promise<void> {
	try {
		await call;
	} catch (error) {
		if (!(error instanceof DriverError && error.code === 'not-found')) throw error;
	}
}
