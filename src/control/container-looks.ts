import type { AgentLink } from '../bus/bus.ts';
import type {
	Archive,
	ContainerStats,
	DriverSession,
	ExecResult,
	LogRequest,
	OutputChunk,
	ProcessTable,
	TerminalSize,
} from '../drivers/driver.ts';
import { fail } from '../model/errors.ts';
import { explicitDomain } from '../model/image.ts';
import type { Principal } from '../model/principal.ts';
import { type ContainerAction, checkContainerAction } from '../model/transitions.ts';
import { type ContainerRow, toContainer } from '../store/containers.ts';
import { insertOperation } from '../store/operations.ts';
import { sandboxRow } from '../store/sandboxes.ts';
import { commitImage } from './commits.ts';
import type { Deps } from './deps.ts';
import type { ImageUploads } from './image-service/uploads.ts';
import { findContainer } from './lookup.ts';

/** What is asked of a container's host at once, without an operation: looks, streams and archives. */
export class ContainerLooks {
	readonly #deps: Deps;
	readonly #uploads: ImageUploads | undefined;

	constructor(deps: Deps, uploads?: ImageUploads) {
		this.#deps = deps;
		this.#uploads = uploads;
	}

	async execute(principal: Principal, ref: string, command: readonly string[], signal: AbortSignal): Promise<ExecResult> {
		const { agent, row } = await this.#at(principal, ref, 'execute');
		const { executeTimeout, executeMaxOutput } = this.#deps.options;
		return await agent.exec(row.id, { command, timeout: executeTimeout, maxOutput: executeMaxOutput }, signal);
	}

	async executeInteractive(
		principal: Principal,
		ref: string,
		command: readonly string[],
		tty: boolean,
		signal: AbortSignal,
	): Promise<DriverSession> {
		const { agent, row } = await this.#at(principal, ref, 'execute');
		return await agent.execInteractive(row.id, { command, tty }, signal);
	}

	async attach(principal: Principal, ref: string, signal: AbortSignal): Promise<DriverSession> {
		const { agent, row } = await this.#at(principal, ref, 'attach');
		if (row.interactive !== 1)
			throw fail('no-interactive-flag', `Container ${row.id} was not created with interactive: there is nothing to attach to.`);
		return await agent.attach(row.id, signal);
	}

	async resize(principal: Principal, ref: string, size: TerminalSize, signal: AbortSignal): Promise<void> {
		const { agent, row } = await this.#at(principal, ref, 'resize');
		await agent.resize(row.id, size, signal);
	}

	async logs(principal: Principal, ref: string, request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<OutputChunk>> {
		const { agent, row } = await this.#at(principal, ref, 'logs');
		return agent.logs(row.id, request, signal);
	}

	async top(principal: Principal, ref: string, psArgs: string | null, signal: AbortSignal): Promise<ProcessTable> {
		const { agent, row } = await this.#at(principal, ref, 'top');
		return await agent.top(row.id, psArgs, signal);
	}

	async stats(principal: Principal, ref: string, signal: AbortSignal): Promise<ContainerStats> {
		const { agent, row } = await this.#at(principal, ref, 'stats');
		return await agent.stats(row.id, signal);
	}

	async getArchive(principal: Principal, ref: string, path: string, signal: AbortSignal): Promise<Archive> {
		const { agent, row } = await this.#at(principal, ref, 'get_archive');
		return await agent.getArchive(row.id, path, signal);
	}

	async putArchive(principal: Principal, ref: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
		const { agent, row } = await this.#at(principal, ref, 'put_archive');
		await agent.putArchive(row.id, path, tar, signal);
	}

	async commit(principal: Principal, ref: string, repository: string, tag: string, signal: AbortSignal): Promise<string> {
		const { agent, row, host } = await this.#at(principal, ref, 'commit');
		if (this.#uploads !== undefined && explicitDomain(repository) === null) {
			return await this.#uploads.begin(principal, agent, { container: row, host, repository, tag }, signal);
		}
		const request = { projectId: row.project_id, containerId: row.id, host, repository, tag };
		const image = await commitImage(this.#deps, agent, request, signal);
		await this.#deps.store.transaction(async (tx) => {
			await insertOperation(
				tx,
				{
					requestId: principal.requestId,
					projectId: row.project_id,
					userId: principal.userId,
					target: 'container',
					targetId: row.id,
					sandboxId: row.sandbox_id,
					kind: 'commit',
					host,
					outcome: { error: null },
				},
				this.#deps.now(),
			);
		});
		return image;
	}

	async #at(principal: Principal, ref: string, action: ContainerAction): Promise<{ agent: AgentLink; row: ContainerRow; host: string }> {
		const row = await findContainer(this.#deps.store.db, principal, ref);
		checkContainerAction(action, toContainer(row));
		const sandbox = await sandboxRow(this.#deps.store.db, row.sandbox_id);
		if (!sandbox?.host) throw fail('conflict', `Container ${row.id} has no host: ${row.status_reason ?? 'it was never placed'}`);
		if (row.runtime_id === null)
			throw fail('conflict', `Container ${row.id} was not made on its host: ${row.status_reason ?? 'it is being made'}`);
		return { agent: this.#deps.bus.agent(sandbox.host), row, host: sandbox.host };
	}
}
