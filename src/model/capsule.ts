import type { ContainerGoal, ContainerKind, ContainerStatus, RestartPolicy } from './container.ts';
import type { SandboxGoal, SandboxStatus } from './sandbox.ts';

/**
 * The capsule: one sandbox and the containers of one template. Its status is not kept but told from its sandbox and
 * its members, and so is whose turn it is to run: nothing can disagree with them after a crash.
 */
export const capsuleStatuses = ['Creating', 'Running', 'Stopped', 'Paused', 'Error', 'Deleting', 'Unknown'] as const;
export type CapsuleStatus = (typeof capsuleStatuses)[number];

export const capsuleRestartPolicies = ['Always', 'OnFailure', 'Never'] as const;
export type CapsuleRestartPolicy = (typeof capsuleRestartPolicies)[number];

/** Retries of an init container when the capsule's policy is Always, as in Zun. */
const initRetries = 10;

/** What a capsule's policy means for one of its containers. */
export function memberRestartPolicy(policy: CapsuleRestartPolicy, init: boolean): RestartPolicy {
	switch (policy) {
		case 'Always':
			// An init container that was restarted for ever would let nothing follow it.
			return init ? { name: 'on-failure', maximumRetryCount: initRetries } : { name: 'always', maximumRetryCount: 0 };
		case 'OnFailure':
			return { name: 'on-failure', maximumRetryCount: 0 };
		case 'Never':
			return { name: 'no', maximumRetryCount: 0 };
	}
}

/** What of a member decides how its capsule stands. Members come in the order of the template, init containers first. */
export interface CapsuleMember {
	readonly id: string;
	readonly name: string;
	readonly kind: ContainerKind;
	readonly status: ContainerStatus;
	readonly statusReason: string | null;
	readonly desiredStatus: ContainerGoal;
	readonly exitCode: number | null;
	readonly oomKilled: boolean;
	/** null = it has never run. */
	readonly startedAt: number | null;
}

export interface CapsuleSandbox {
	readonly status: SandboxStatus;
	readonly statusReason: string | null;
	readonly desiredStatus: SandboxGoal;
}

export interface CapsuleState {
	readonly status: CapsuleStatus;
	readonly reason: string | null;
}

function isInit(member: CapsuleMember): boolean {
	return member.kind === 'capsule_init';
}

/** Whether it has ended and nobody starts it again. One that went down with its sandbox is still wanted to run. */
function hasEnded(member: CapsuleMember): boolean {
	return member.status === 'Stopped' && member.desiredStatus === 'Stopped';
}

/** The init container whose turn it is; undefined when all have ended well. */
function currentInit(members: readonly CapsuleMember[]): CapsuleMember | undefined {
	return members.find((member) => isInit(member) && !(hasEnded(member) && member.exitCode === 0));
}

/** Members whose turn has come and that nobody has told to run yet. */
export function membersDue(members: readonly CapsuleMember[]): readonly CapsuleMember[] {
	// What ran before and is made anew stays as its user left it.
	return turn(members).filter((member) => member.status === 'Created' && member.desiredStatus === 'Created' && member.startedAt === null);
}

/** Members that a request to start the capsule starts: those whose turn it is, also after they ended or failed. */
export function membersToStart(members: readonly CapsuleMember[]): readonly CapsuleMember[] {
	const startable: readonly ContainerStatus[] = ['Created', 'Stopped', 'Error'];
	return turn(members).filter((member) => startable.includes(member.status) && member.desiredStatus !== 'Running');
}

function turn(members: readonly CapsuleMember[]): readonly CapsuleMember[] {
	const init = currentInit(members);
	return init === undefined ? members.filter((member) => !isInit(member)) : [init];
}

/** How the capsule stands, and why. */
export function capsuleState(sandbox: CapsuleSandbox, members: readonly CapsuleMember[]): CapsuleState {
	if (sandbox.desiredStatus === 'Deleted' || sandbox.status === 'Deleting') return { status: 'Deleting', reason: sandbox.statusReason };
	switch (sandbox.status) {
		case 'Error':
		case 'Unknown':
		case 'Paused':
			return { status: sandbox.status, reason: sandbox.statusReason };
		case 'Stopped':
			return { status: 'Stopped', reason: sandbox.statusReason ?? failureOf(members) };
		default:
			return stateOfMembers(sandbox, members);
	}
}

function stateOfMembers(sandbox: CapsuleSandbox, members: readonly CapsuleMember[]): CapsuleState {
	const broken = members.find(({ status }) => status === 'Error' || status === 'Dead');
	if (broken !== undefined) return { status: 'Error', reason: `${title(broken)}: ${broken.statusReason ?? broken.status}` };
	const init = currentInit(members);
	if (init !== undefined && hasEnded(init)) return { status: 'Error', reason: ending(init) };
	if (init !== undefined) return { status: 'Creating', reason: progress(init, members) ?? sandbox.statusReason };
	const containers = members.filter((member) => !isInit(member));
	if (sandbox.status === 'Creating' || containers.some(({ status }) => status === 'Creating' || status === 'Created')) {
		return {
			status: 'Creating',
			reason: containers.find(({ statusReason }) => statusReason !== null)?.statusReason ?? sandbox.statusReason,
		};
	}
	const unknown = containers.find(({ status }) => status === 'Unknown');
	if (unknown !== undefined) return { status: 'Unknown', reason: `${title(unknown)}: ${unknown.statusReason ?? unknown.status}` };
	return { status: containers.every(hasEnded) ? 'Stopped' : 'Running', reason: failureOf(containers) ?? sandbox.statusReason };
}

/** Where the row of init containers stands. */
function progress(init: CapsuleMember, members: readonly CapsuleMember[]): string | null {
	const all = members.filter(isInit);
	const place = `${title(init)} (${all.indexOf(init) + 1} of ${all.length})`;
	if (init.status === 'Running') return `${place} is running.`;
	return init.statusReason === null ? null : `${place}: ${init.statusReason}`;
}

/** The first member that ended badly. */
function failureOf(members: readonly CapsuleMember[]): string | null {
	const failed = members.find((member) => hasEnded(member) && member.exitCode !== 0);
	return failed === undefined ? null : ending(failed);
}

function ending(member: CapsuleMember): string {
	const why = member.oomKilled ? 'was ended for want of memory' : `ended with exit code ${member.exitCode ?? 'unknown'}`;
	return `${title(member)} ${why}.`;
}

function title(member: CapsuleMember): string {
	return `${isInit(member) ? 'Init container' : 'Container'} ${member.name}`;
}

/** Cores and MiB of containers that run at the same time, after each of the init containers had them for itself. */
export function capsuleSize(
	initContainers: readonly { readonly cpu: number | null; readonly memory: number | null }[],
	containers: readonly { readonly cpu: number | null; readonly memory: number | null }[],
): { readonly cpu: number; readonly memory: number } {
	const sum = (values: readonly (number | null)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);
	const largest = (values: readonly (number | null)[]) => values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
	return {
		cpu: Math.max(sum(containers.map(({ cpu }) => cpu)), largest(initContainers.map(({ cpu }) => cpu))),
		memory: Math.max(sum(containers.map(({ memory }) => memory)), largest(initContainers.map(({ memory }) => memory))),
	};
}
