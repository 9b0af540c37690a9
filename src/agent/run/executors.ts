import type { ContainerState } from '../../drivers/driver.ts';
import { type Driver, DriverError } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import type { ContainerSpec, OperationReport, SandboxSpec } from '../../model/spec.ts';
import type { SandboxHooks } from '../hooks/sandbox-hooks.ts';
import type { PullManager } from '../images/pull-manager.ts';
import { imageKey } from '../plan/container-moves.ts';
import type { PlanSettings } from '../plan/context.ts';
import { ranLong, restartCount } from '../plan/ending.ts';
import type { Executors, StartCause } from '../plan/step.ts';
import { containerLimits, containerSettings } from './container-settings.ts';
import type { Memory } from './memory.ts';

/** What the steps of one sandbox act with. */
export interface StepRuntime {
	readonly sandboxId: string;
	readonly memory: Memory;
	readonly driver: Driver;
	readonly hooks: SandboxHooks;
	readonly pulls: PullManager;
	readonly settings: PlanSettings;
	/** ms between two reports of a pull's progress. */
	readonly progressInterval: number;
	/** What is wanted and seen now; it may have changed since the step was planned. */
	spec(): SandboxSpec | null;
	state(containerId: string): ContainerState | null;
	/** Has what is known told to control soon. */
	tell(): void;
	report(operations: readonly OperationReport[]): Promise<void>;
	waitUntil(until: number): void;
}

/** How each step is done. */
export function makeExecutors(runtime: StepRuntime): Executors {
	const { sandboxId, memory, driver, hooks } = runtime;
	const { containers, sandboxes } = driver;
	return {
		async setUp({ hooks: names }, signal) {
			const spec = runtime.spec();
			if (spec !== null) await hooks.setUp(names, { sandboxId, spec, holdings: memory.holdings }, signal);
		},
		async tearDown({ hooks: names }, signal) {
			await hooks.tearDown(names, { sandboxId, spec: runtime.spec(), holdings: memory.holdings }, signal);
		},
		pauseSandbox: (_, signal) => sandboxes.pause(sandboxId, signal),
		unpauseSandbox: (_, signal) => sandboxes.unpause(sandboxId, signal),
		async ensureImage(step, signal) {
			let told = 0;
			try {
				const { image, pulled } = await runtime.pulls.ensure(
					{
						reference: step.reference,
						policy: step.policy,
						auth: step.auth,
						source: step.source,
						projectId: runtime.spec()?.projectId ?? '',
						onProgress(progress) {
							const now = performance.now();
							if (now - told < runtime.progressInterval) return;
							told = now;
							memory.pulls.set(step.containerId, progress);
							runtime.tell();
						},
					},
					signal,
				);
				if (pulled && step.auth !== null) memory.loginPulls.set(step.containerId, step.reference);
				memory.images.set(step.containerId, { key: step.key, id: image.id });
				memory.imagesReady.set(step.containerId, step.key);
			} finally {
				memory.pulls.delete(step.containerId);
			}
		},
		async createContainer({ containerId, thenStart }, signal) {
			const [spec, container] = wanted(runtime, containerId);
			if (spec === null || container === null) return;
			const image = memory.images.get(containerId);
			const imageId = image?.key === imageKey(container) ? image.id : null;
			const settings = { ...containerSettings(spec, container, memory.holdings.volumes), imageId };
			await containers.create(settings, signal).catch((error: unknown) => {
				if (!(error instanceof DriverError) || error.code !== 'image-not-found' || imageId === null) throw error;
				// Somebody removed the image since it was found: it is to be looked for again.
				memory.imagesReady.delete(containerId);
				throw new DriverError('unavailable', error.message, { cause: error });
			});
			if (!thenStart) return;
			failPoint('agent.createContainer.created');
			await containers.start(containerId, signal);
			countStart(runtime, container, container.operation === null ? 'recovery' : 'asked');
		},
		async startContainer({ containerId, cause }, signal) {
			await containers.start(containerId, signal);
			const [, container] = wanted(runtime, containerId);
			if (container !== null) countStart(runtime, container, cause);
		},
		stopContainer: ({ containerId, timeout }, signal) => containers.stop(containerId, timeout, signal),
		pauseContainer: ({ containerId }, signal) => containers.pause(containerId, signal),
		unpauseContainer: ({ containerId }, signal) => containers.unpause(containerId, signal),
		killContainer: ({ containerId, signal: name }, signal) => containers.kill(containerId, name, signal),
		async updateContainer({ containerId }, signal) {
			const [, container] = wanted(runtime, containerId);
			if (container !== null) await containers.update(containerId, containerLimits(container), signal);
		},
		removeContainer: ({ containerId }, signal) => containers.remove(containerId, signal),
		report: ({ operations }) => runtime.report(operations),
		async wait({ until }) {
			runtime.waitUntil(until);
		},
	};
}

function wanted(runtime: StepRuntime, containerId: string): [SandboxSpec | null, ContainerSpec | null] {
	const spec = runtime.spec();
	return [spec, spec?.containers.find((container) => container.id === containerId) ?? null];
}

/** Keeps the numbers that back-off and retry limits go by. */
function countStart({ memory, settings, state }: StepRuntime, container: ContainerSpec, cause: StartCause): void {
	if (cause === 'recovery') return;
	const count = cause === 'policy' ? restartCount(container, memory) + 1 : 0;
	const before = state(container.id);
	const fresh = cause === 'asked' || (before !== null && ranLong(before, { settings }));
	const streak = memory.restartStreaks.get(container.id) ?? restartCount(container, memory);
	memory.restartCounts.set(container.id, count);
	memory.restartStreaks.set(container.id, cause === 'asked' ? 0 : fresh ? 1 : streak + 1);
}
