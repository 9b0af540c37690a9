import type { ControlLink } from '../../bus/bus.ts';
import type { Driver } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import { fail, messageOf, ZunboxError } from '../../model/errors.ts';
import type { HostFacts } from '../../model/host.ts';
import type { ServerCall } from '../../model/server.ts';
import type { HostNetworking } from '../network/host-networking.ts';
import type { AgentOptions } from '../options.ts';
import { withDeadline } from '../run/deadlines.ts';
import type { Outcomes, Standing } from '../run/standing.ts';
import type { Workers } from '../run/workers.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';
import { ofOutcome, type Verdict, verdictOn } from './verdict.ts';

export interface ServerCallsDeps {
	readonly hostname: () => string;
	readonly link: Pick<ControlLink, 'server' | 'servers' | 'sandbox'>;
	readonly driver: Pick<Driver, 'facts' | 'observe'>;
	readonly networking: Pick<HostNetworking, 'unplug'>;
	readonly volumes: Pick<HostVolumes, 'detach'>;
	readonly workers: Workers;
	readonly outcomes: Outcomes;
	readonly options: AgentOptions;
	/** Ends everything. */
	readonly signal: AbortSignal;
}

/**
 * How a server stands on this host. `pending` = it is to run and does not yet, or not any more: the agent is at it.
 * `missing` = there is no such server, or nothing of it.
 */
export type ServerState = 'running' | 'paused' | 'shutdown' | 'pending' | 'missing';

/** Why a call that was taken is not done. `late` = its time is up, and the agent goes on. */
export class CallFailed extends Error {
	override readonly name = 'CallFailed';
	readonly late: boolean;

	constructor(reason: string, late: boolean) {
		super(reason);
		this.late = late;
	}
}

/**
 * What a compute service's driver on this host asks. Each call goes to control first, which writes it down and changes
 * what is wanted; then it is waited for until the sandbox's worker has made that true. So a call may be repeated: after
 * an agent's restart nothing is lost but the waiting.
 */
export class ServerCalls {
	readonly #deps: ServerCallsDeps;

	constructor(deps: ServerCallsDeps) {
		this.#deps = deps;
	}

	/**
	 * Ends when it is done. Throws control's refusal, `service-unavailable` when control cannot be asked or the agent stops,
	 * and CallFailed when it failed or is not done after `timeout` ms.
	 */
	async call(call: ServerCall, timeout: number, signal: AbortSignal): Promise<void> {
		const { workers, outcomes, options } = this.#deps;
		const since = options.now();
		failPoint('agent.server.before');
		const { sandboxId, callId } = await this.#control((deadline) => this.#deps.link.server(this.#hostname(), call, deadline), signal);
		failPoint('agent.server.taken');
		if (sandboxId === null) return;
		const worker = workers.of(sandboxId);
		if (callId === null && !isWaitedFor(call)) return worker.wantedChanged();
		let last: Standing | null = null;
		const look = (standing: Standing): Verdict | null => {
			last = standing;
			return verdictOn(call, callId, callId === null ? null : outcomes.of(callId), standing, since);
		};
		const ended = callId === null ? null : outcomes.of(callId);
		const waiting = (deadline: AbortSignal): Promise<Verdict> => worker.until(look, deadline);
		const verdict =
			ended === null
				? await withDeadline(timeout, signal, waiting).catch((error: unknown) => this.#notDone(error, last, signal))
				: ofOutcome(ended);
		failPoint('agent.server.done');
		if (verdict.kind === 'failed') throw new CallFailed(verdict.reason, false);
		await this.#confirm(call, sandboxId, signal);
	}

	/** Servers that control counts to this host. */
	async servers(signal: AbortSignal) {
		return await this.#control((deadline) => this.#deps.link.servers(this.#hostname(), deadline), signal);
	}

	async state(serverId: string, signal: AbortSignal): Promise<ServerState> {
		const sandboxId = (await this.servers(signal)).find((server) => server.serverId === serverId)?.sandboxId;
		if (sandboxId === undefined) return 'missing';
		const { sandbox } = await this.#deps.driver.observe(sandboxId, signal);
		if (sandbox?.status === 'running' || sandbox?.status === 'paused') return sandbox.status;
		const spec = await this.#control((deadline) => this.#deps.link.sandbox(this.#hostname(), sandboxId, deadline), signal);
		// Nobody is to conclude from a sandbox that is being rebuilt that it was shut down.
		if (spec?.goal === 'Running' || spec?.goal === 'Paused') return 'pending';
		return sandbox === null ? 'missing' : 'shutdown';
	}

	/** What the host offers, under the name that control knows it by. */
	async host(signal: AbortSignal): Promise<HostFacts> {
		const facts = await this.#deps.driver.facts(signal);
		return { ...facts, hostname: this.#hostname() };
	}

	/** Once more with the kernel: an agent that has just started may not know what it holds. */
	async #confirm(call: ServerCall, sandboxId: string, signal: AbortSignal): Promise<void> {
		const { networking, volumes } = this.#deps;
		if (call.kind === 'detach-port') await networking.unplug(call.portId, signal);
		if (call.kind === 'detach-volume') await volumes.detach(sandboxId, call.volumeId, signal);
	}

	#notDone(error: unknown, last: Standing | null, signal: AbortSignal): never {
		if (this.#deps.signal.aborted) throw stopping();
		if (signal.aborted || !(error instanceof DOMException && error.name === 'TimeoutError')) throw error;
		throw new CallFailed(last?.failure?.reason ?? 'It is still being worked on.', true);
	}

	/** The name that control knows the host by. */
	#hostname(): string {
		const hostname = this.#deps.hostname();
		if (hostname === '') throw fail('service-unavailable', 'The agent has not reached its engine or its control yet.');
		return hostname;
	}

	/** What is not control's own word is that it could not be asked. */
	async #control<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
		const { options } = this.#deps;
		const both = AbortSignal.any([signal, this.#deps.signal]);
		try {
			return await withDeadline(options.linkTimeout, both, ask);
		} catch (error) {
			if (this.#deps.signal.aborted) throw stopping();
			if (signal.aborted || error instanceof ZunboxError) throw error;
			throw fail('service-unavailable', `Control cannot be asked: ${messageOf(error)}`);
		}
	}
}

function stopping(): ZunboxError {
	return fail('service-unavailable', 'The agent stops.');
}

function isWaitedFor(call: ServerCall): boolean {
	return call.kind !== 'ready' && call.kind !== 'plug';
}
