import type { Step } from '../plan/step.ts';

const minute = 60_000;

/** How long a step may take before it counts as failed, in ms. */
export function deadlineOf(step: Step): number {
	switch (step.kind) {
		case 'ensureImage':
			return 60 * minute;
		case 'stopContainer':
			return step.timeout * 1000 + 2 * minute;
		case 'setUp':
		case 'tearDown':
			return 5 * minute;
		default:
			return 2 * minute;
	}
}

/** Whether it mostly waits for something other than the engine's own work. */
export function mostlyWaits(step: Step): boolean {
	return step.kind === 'stopContainer';
}
