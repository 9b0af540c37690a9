import { type ContainerStatus, containerStatuses } from './container.ts';
import { type ErrorCode, fail, type ZunboxError } from './errors.ts';
import type { SandboxStatus } from './sandbox.ts';

/**
 * Which action is legal in which status: what the API's 409 answers, control and the docs all read.
 * The container's rows are Zun's `VALID_STATES`, widened where Zun left a container that nobody could get rid of:
 * delete is legal in every status but Running (where `stop` or `force` says that it is meant), and always ends; what is
 * Unknown because its host is away can be told to stop when the host is back.
 */
export const containerActions = {
	start: ['Created', 'Stopped', 'Error'],
	stop: ['Running', 'Restarting', 'Unknown'],
	pause: ['Running'],
	unpause: ['Paused'],
	kill: ['Running', 'Restarting'],
	reboot: ['Created', 'Running', 'Stopped', 'Error'],
	rebuild: ['Created', 'Running', 'Stopped', 'Error'],
	delete: ['Creating', 'Created', 'Stopped', 'Paused', 'Restarting', 'Rebuilding', 'Deleting', 'Deleted', 'Error', 'Dead', 'Unknown'],
	delete_after_stop: containerStatuses,
	delete_force: containerStatuses,
	execute: ['Running'],
	execute_resize: ['Running'],
	attach: ['Running'],
	resize: ['Running'],
	top: ['Running'],
	stats: ['Running'],
	logs: ['Created', 'Running', 'Stopped', 'Paused', 'Error', 'Unknown', 'Restarting'],
	update: ['Created', 'Running', 'Stopped', 'Paused'],
	resize_container: ['Created', 'Running', 'Stopped', 'Paused'],
	add_security_group: ['Created', 'Running', 'Stopped', 'Paused'],
	remove_security_group: ['Created', 'Running', 'Stopped', 'Paused'],
	get_archive: ['Created', 'Running', 'Stopped', 'Paused'],
	put_archive: ['Created', 'Running', 'Stopped', 'Paused'],
	commit: ['Running', 'Stopped', 'Paused'],
} as const satisfies Record<string, readonly ContainerStatus[]>;

export type ContainerAction = keyof typeof containerActions;

const sandboxActions = {
	start: ['Stopped', 'Error'],
	stop: ['Running', 'Paused', 'Unknown'],
	pause: ['Running'],
	unpause: ['Paused'],
	update: ['Creating', 'Running', 'Stopped', 'Paused'],
	delete: ['Creating', 'Running', 'Stopped', 'Paused', 'Error', 'Deleting', 'Unknown'],
	create_container: ['Creating', 'Running'],
	network_attach: ['Creating', 'Running', 'Stopped', 'Paused', 'Error', 'Unknown'],
	network_detach: ['Creating', 'Running', 'Stopped', 'Paused', 'Error', 'Unknown'],
} as const satisfies Record<string, readonly SandboxStatus[]>;

export type SandboxAction = keyof typeof sandboxActions;

/** Throws `invalid-state-exception` in Zun's words when the action is not legal in the status. */
export function checkContainerAction(action: ContainerAction, container: { readonly id: string; readonly status: ContainerStatus }): void {
	const legal: readonly ContainerStatus[] = containerActions[action];
	if (!legal.includes(container.status)) throw invalidState(action, 'container', container);
}

/** `kind` is what the user calls it. */
export function checkSandboxAction(
	action: SandboxAction,
	sandbox: { readonly id: string; readonly status: SandboxStatus },
	kind: 'sandbox' | 'capsule' = 'sandbox',
): void {
	const legal: readonly SandboxStatus[] = sandboxActions[action];
	if (!legal.includes(sandbox.status)) throw invalidState(action, kind, sandbox);
}

function invalidState(action: string, kind: string, thing: { readonly id: string; readonly status: string }): ZunboxError {
	const code: ErrorCode = 'invalid-state-exception';
	return fail(code, `Cannot ${action} ${kind} ${thing.id} in ${thing.status} state`);
}
