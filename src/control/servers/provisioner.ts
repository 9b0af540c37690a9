import { failPoint } from '../../faults/fail-point.ts';
import { messageOf, unreachable } from '../../model/errors.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { sandboxRow } from '../../store/sandboxes.ts';
import { serverRow, updateServer } from '../../store/servers.ts';
import { noteSandboxChange } from '../changes.ts';
import type { Deps } from '../deps.ts';
import { act, look } from './action-steps.ts';
import type { Compute } from './compute.ts';
import { failMaking } from './endings.ts';
import { followMaking, makeGroup, makePort, makeServer } from './making-steps.ts';
import { attachPort, detachPort, endNetworkOperations, giveUp, learnPort, removeGroup, removePort, setGroups } from './network-steps.ts';
import { nextStep, type ServerStep } from './plan.ts';
import { finish, leaveHost, removeServer } from './removal-steps.ts';
import { type ServerSight, serverSight } from './sight.ts';
import type { StepContext, StepResult } from './step-context.ts';
import { attachVolume, detachVolume, followVolume, giveUpVolume, makeVolume, removeVolume } from './volume-steps.ts';

/** Longest time between two looks for work, in ms: what a commit that was not heard of costs at the most. */
const longestSleep = 10_000;

/** What a lane remembers while it waits. It is nothing that must outlive the process. */
interface Wait {
	readonly until: number;
	/** `work` of the row when the wait began: what is given since then ends it. */
	readonly work: number;
	readonly step: string;
	readonly looks: number;
	readonly failures: number;
}

/**
 * Makes true at other services what is wanted of sandboxes that are servers: one lane each, a bounded number at the same
 * time. A lane takes one step after another, each an ensure that ends with what is known now written down. So a crash
 * loses nothing: after it every row that has work left is looked at again.
 */
export class Provisioner {
	readonly #deps: Deps;
	readonly #compute: Compute;
	readonly #stop = new AbortController();
	readonly #lanes = new Map<string, Promise<void>>();
	readonly #waits = new Map<string, Wait>();
	#running: Promise<void> = Promise.resolve();

	constructor(deps: Deps, compute: Compute) {
		this.#deps = deps;
		this.#compute = compute;
	}

	start(): void {
		this.#running = this.#loop();
	}

	/** What is under way is given up; another start goes on with it. */
	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the service stops', 'AbortError'));
		await this.#running;
		await Promise.allSettled(this.#lanes.values());
	}

	async #loop(): Promise<void> {
		const { signal } = this.#stop;
		const { hub, log } = this.#deps;
		while (!signal.aborted) {
			const changed = hub.next(this.#untilNext(), signal);
			try {
				await this.#launch();
			} catch (error) {
				log.error({ error: messageOf(error) }, 'servers with work could not be looked for; it is tried again');
			}
			await changed;
		}
	}

	async #launch(): Promise<void> {
		const rows = await this.#deps.store.db
			.selectFrom('server')
			.select(['sandbox_id', 'work'])
			.where('work', '>', 0)
			.orderBy('created_at')
			.execute();
		const now = performance.now();
		const known = new Set(rows.map(({ sandbox_id }) => sandbox_id));
		for (const id of this.#waits.keys()) if (!known.has(id) && !this.#lanes.has(id)) this.#waits.delete(id);
		for (const { sandbox_id: id, work } of rows) {
			if (this.#lanes.size >= this.#compute.options.atOnce) return;
			if (this.#lanes.has(id)) continue;
			const wait = this.#waits.get(id);
			if (wait !== undefined && wait.work === work && now < wait.until) continue;
			const lane = this.#lane(id).finally(() => {
				this.#lanes.delete(id);
				// Another may be waiting for its place.
				this.#deps.hub.notify();
			});
			this.#lanes.set(id, lane);
		}
	}

	#untilNext(): number {
		// A lane that ends tells.
		if (this.#lanes.size >= this.#compute.options.atOnce) return longestSleep;
		const now = performance.now();
		let next = now + longestSleep;
		for (const [id, wait] of this.#waits) if (!this.#lanes.has(id)) next = Math.min(next, wait.until);
		return Math.max(1, next - now);
	}

	/** Takes steps until there is none, or something must be waited for. */
	async #lane(id: string): Promise<void> {
		const { store, log } = this.#deps;
		const { signal } = this.#stop;
		while (!signal.aborted) {
			try {
				const sight = await serverSight(store.db, id);
				if (sight === null) return void this.#waits.delete(id);
				const step = nextStep(sight);
				if (step === null) {
					if (await this.#rest(sight)) return void this.#waits.delete(id);
					continue;
				}
				if (await this.#take(step, sight)) return;
			} catch (error) {
				if (signal.aborted) return;
				log.error({ sandbox: id, error: messageOf(error) }, 'provisioning a sandbox failed; it is tried again');
				this.#waits.set(id, { until: performance.now() + 5_000, work: -1, step: '', looks: 0, failures: 0 });
				return;
			}
		}
	}

	/** Nothing is left to do: answers false when something was given meanwhile. */
	async #rest({ server }: ServerSight): Promise<boolean> {
		return await this.#deps.store.transaction(async (tx) => {
			const row = await serverRow(tx, server.sandbox_id);
			if (row === undefined || row.work !== server.work) return row === undefined;
			await updateServer(tx, server.sandbox_id, { work: 0, delegation: null });
			return true;
		});
	}

	/** Answers whether the lane is to wait. */
	async #take(step: ServerStep, sight: ServerSight): Promise<boolean> {
		const { sandbox, server } = sight;
		const { signal } = this.#stop;
		const { callTimeout, makingDeadline } = this.#compute.options;
		const before = this.#waits.get(sandbox.id);
		const name = nameOf(step);
		const same = before?.step === name ? before : null;
		const context = {
			deps: this.#deps,
			compute: this.#compute,
			sight,
			looks: same?.looks ?? 0,
			signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeout)]),
		};
		failPoint(`control.server.${step.kind}`);
		try {
			const isMaking = server.stage === 'making' && sandbox.desired_status !== 'Deleted';
			if (isMaking && this.#deps.now() - server.created_at > makingDeadline) {
				await this.#fail(sandbox.id, server.error ?? 'It was not made within the time that is given to it.');
				return false;
			}
			const pause = await run(step, context);
			await this.#note(sight, null);
			if (pause === 0) {
				this.#waits.delete(sandbox.id);
				return false;
			}
			this.#wait(sandbox.id, { until: pause, work: server.work, step: name, looks: context.looks + 1, failures: 0 });
			return true;
		} catch (error) {
			if (signal.aborted) return true;
			return await this.#failed(step, context, asProviderError(error), same);
		}
	}

	/** What may pass is tried again, the longer the seldomer; what is refused ends what asked for it. */
	async #failed(step: ServerStep, context: StepContext, error: ProviderError, before: Wait | null): Promise<boolean> {
		const { sandbox, server } = context.sight;
		const { firstRetry, longestRetry } = this.#compute.options;
		const failures = (before?.failures ?? 0) + 1;
		const isRemoval = step.kind === 'detach-volume' || step.kind === 'remove-volume';
		const leaves = sandbox.desired_status === 'Deleted' || server.stage === 'failed' || isRemoval;
		const passing =
			error.failure === 'unavailable' || (error.failure === 'conflict' && !step.kind.startsWith('make-') && failures <= patience);
		if (!leaves && !passing) {
			if (server.stage === 'making') await this.#fail(sandbox.id, reasonOf(error));
			else if ('volume' in step) await giveUpVolume(context, step.volume, reasonOf(error));
			else await giveUp(context, error);
			return false;
		}
		await this.#note(context.sight, error.message);
		this.#deps.log.warn(
			{ sandbox: sandbox.id, step: step.kind, error: error.message, failures },
			'another service failed; it is tried again',
		);
		const pause = Math.min(longestRetry, firstRetry * 2 ** Math.min(failures - 1, 16)) * (0.75 + Math.random() / 2);
		this.#wait(sandbox.id, { until: pause, work: server.work, step: nameOf(step), looks: context.looks, failures });
		return true;
	}

	#wait(id: string, wait: Wait): void {
		this.#waits.set(id, { ...wait, until: performance.now() + wait.until });
	}

	async #fail(sandboxId: string, reason: string): Promise<void> {
		await this.#deps.store.transaction((tx) => failMaking(this.#deps, tx, sandboxId, reason));
	}

	/** What hinders it is shown while it does. */
	async #note({ sandbox, server }: ServerSight, error: string | null): Promise<void> {
		if (server.error === error) return;
		await this.#deps.store.transaction(async (tx) => {
			const row = await sandboxRow(tx, sandbox.id);
			await updateServer(tx, sandbox.id, { error });
			if (row === undefined || row.status === 'Error') return;
			if (error !== null || row.status_reason === server.error)
				await noteSandboxChange(tx, row, { status_reason: error }, this.#deps.now());
		});
	}
}

/** Times that something is tried that another service has no time for just now. */
const patience = 12;

function nameOf(step: ServerStep): string {
	if ('port' in step) return `${step.kind} ${step.port.position}`;
	if ('volume' in step) return `${step.kind} ${step.volume.id}`;
	if ('group' in step) return `${step.kind} ${step.group.container_id}`;
	return 'operationId' in step ? `${step.kind} ${step.operationId}` : step.kind;
}

function reasonOf(error: ProviderError): string {
	if (error.failure !== 'unauthorized') return error.message;
	return `The token that it was asked for with is not taken any more (${error.message}): ask for it again.`;
}

function asProviderError(error: unknown): ProviderError {
	if (error instanceof ProviderError) return error;
	if (error instanceof DOMException && error.name === 'TimeoutError')
		return new ProviderError('unavailable', 'Another service did not answer in time.', { cause: error });
	throw error;
}

async function run(step: ServerStep, context: StepContext): Promise<StepResult> {
	switch (step.kind) {
		case 'make-group':
			return await makeGroup(context, step.group);
		case 'make-port':
			return await makePort(context, step.port, step.groupIds);
		case 'learn-port':
			return await learnPort(context, step.port, step.portId);
		case 'set-groups':
			return await setGroups(context, step.port, step.portId, step.groupIds);
		case 'make-volume':
			return await makeVolume(context, step.volume);
		case 'follow-volume':
			return await followVolume(context, step.volume, step.volumeId);
		case 'attach-volume':
			return await attachVolume(context, step.volume, step.volumeId);
		case 'detach-volume':
			return await detachVolume(context, step.volume, step.volumeId);
		case 'remove-volume':
			return await removeVolume(context, step.volume);
		case 'make-server':
			return await makeServer(context);
		case 'follow-making':
			return await followMaking(context);
		case 'attach-port':
			return await attachPort(context, step.port, step.portId);
		case 'detach-port':
			return await detachPort(context, step.port, step.portId);
		case 'remove-port':
			return await removePort(context, step.port);
		case 'remove-group':
			return await removeGroup(context, step.group);
		case 'end-network-operations':
			return await endNetworkOperations(context);
		case 'act':
			return await act(context, step);
		case 'look':
			return await look(context);
		case 'remove-server':
			return await removeServer(context);
		case 'leave-host':
			return await leaveHost(context);
		case 'finish':
			return await finish(context);
		default:
			return unreachable(step);
	}
}
