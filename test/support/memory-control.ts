import { randomUUID } from 'node:crypto';
import type { ContainerControl, ContainerView, Control, EventControl, SandboxControl, SandboxView } from '../../src/control/control.ts';
import type { DriverSession, OutputChunk } from '../../src/drivers/driver.ts';
import { fail } from '../../src/model/errors.ts';
import type { Event } from '../../src/model/event.ts';
import type { Operation } from '../../src/model/operation.ts';
import { isAdmin, type Principal } from '../../src/model/principal.ts';
import { sampleContainer, sampleIds, sampleOperation, sampleSandbox } from './api-samples.ts';

/** One call of control, as the API made it. */
export interface Call {
	readonly name: string;
	readonly principal: Principal;
	readonly args: readonly unknown[];
}

/**
 * A control that keeps what it is told in memory, does nothing with it, and remembers its calls: what the API is tested
 * against. It has one sandbox and one container of project-a to begin with.
 */
export class MemoryControl implements Control {
	readonly sandboxes: SandboxControl;
	readonly containers: ContainerControl;
	readonly events: EventControl;
	readonly calls: Call[] = [];
	readonly sandboxRows = new Map<string, SandboxView>();
	readonly containerRows = new Map<string, ContainerView>();
	/** What `events.watch` answers; goes on until the signal is aborted. */
	eventRows: Event[] = [];
	operations: Operation[] = [sampleOperation()];
	/** Output of logs and execute. */
	output = 'hello\n';
	/** Waited for while a command is executed. */
	beforeOutput: (signal: AbortSignal) => Promise<void> = async () => {};
	/** Thrown by every call while it is set. */
	failure: Error | null = null;

	constructor() {
		this.sandboxRows.set(sampleIds.sandbox, sampleSandbox());
		this.containerRows.set(sampleIds.container, sampleContainer());
		this.sandboxes = this.#sandboxControl();
		this.containers = this.#containerControl();
		this.events = { watch: (principal, filter, signal) => this.#watch(principal, [filter], signal) };
	}

	/** The last call of that name; throws when there was none. */
	last(name: string): Call {
		const call = this.calls.findLast((made) => made.name === name);
		if (call === undefined) throw new Error(`${name} was not called; called: ${this.calls.map((made) => made.name).join(', ')}`);
		return call;
	}

	#record(name: string, principal: Principal, args: readonly unknown[]): void {
		this.calls.push({ name, principal, args });
		if (this.failure !== null) throw this.failure;
	}

	/** Waits for sandboxes that have begun, and what each waits for. */
	waits = 0;
	beforeWait: () => Promise<void> = async () => {};

	#sandbox(principal: Principal, ref: string): SandboxView {
		const found = [...this.sandboxRows.values()].find((row) => row.id === ref || row.name === ref);
		if (found === undefined || (found.projectId !== principal.projectId && !isAdmin(principal))) {
			throw fail('sandbox-not-found', `Sandbox ${ref} could not be found.`);
		}
		return found;
	}

	#container(principal: Principal, ref: string): ContainerView {
		const found = [...this.containerRows.values()].find((row) => row.id === ref || row.name === ref);
		if (found === undefined || (found.projectId !== principal.projectId && !isAdmin(principal))) {
			throw fail('container-not-found', `Container ${ref} could not be found.`);
		}
		return found;
	}

	#sandboxControl(): SandboxControl {
		const act = (name: string) => async (principal: Principal, ref: string, options?: unknown) => {
			this.#record(`sandboxes.${name}`, principal, [ref, options]);
			this.#sandbox(principal, ref);
		};
		return {
			create: async (principal, input, idempotency) => {
				this.#record('sandboxes.create', principal, [input, idempotency]);
				const row = sampleSandbox({
					id: randomUUID(),
					projectId: principal.projectId,
					...(input.name === undefined ? {} : { name: input.name }),
				});
				this.sandboxRows.set(row.id, row);
				return row;
			},
			list: async (principal, query) => {
				this.#record('sandboxes.list', principal, [query]);
				return [...this.sandboxRows.values()]
					.filter((row) => query.allProjects === true || row.projectId === principal.projectId)
					.slice(0, query.limit);
			},
			show: async (principal, ref, options) => {
				this.#record('sandboxes.show', principal, [ref, options]);
				return this.#sandbox(principal, ref);
			},
			update: async (principal, ref, input) => {
				this.#record('sandboxes.update', principal, [ref, input]);
				return this.#sandbox(principal, ref);
			},
			delete: act('delete'),
			start: act('start'),
			stop: act('stop'),
			pause: act('pause'),
			unpause: act('unpause'),
			networkAttach: act('networkAttach'),
			networkDetach: act('networkDetach'),
			containers: async (principal, ref) => {
				this.#record('sandboxes.containers', principal, [ref]);
				const { id } = this.#sandbox(principal, ref);
				return [...this.containerRows.values()].filter((row) => row.sandboxId === id);
			},
			operations: async (principal, ref) => {
				this.#record('sandboxes.operations', principal, [ref]);
				this.#sandbox(principal, ref);
				return this.operations;
			},
			wait: async (principal, ref, status, timeout) => {
				this.#record('sandboxes.wait', principal, [ref, status, timeout]);
				this.waits += 1;
				await this.beforeWait();
				return this.#sandbox(principal, ref);
			},
		};
	}

	#containerControl(): ContainerControl {
		const act = (name: string) => async (principal: Principal, ref: string, options?: unknown) => {
			this.#record(`containers.${name}`, principal, [ref, options]);
			this.#container(principal, ref);
		};
		const bytes = () => Buffer.from(this.output);
		return {
			create: async (principal, input, idempotency) => {
				this.#record('containers.create', principal, [input, idempotency]);
				const row = sampleContainer({
					id: randomUUID(),
					projectId: principal.projectId,
					command: input.command ?? null,
					restartPolicy: null,
				});
				this.containerRows.set(row.id, row);
				return row;
			},
			list: async (principal, query) => {
				this.#record('containers.list', principal, [query]);
				return [...this.containerRows.values()]
					.filter((row) => query.allProjects === true || row.projectId === principal.projectId)
					.slice(0, query.limit);
			},
			show: async (principal, ref, options) => {
				this.#record('containers.show', principal, [ref, options]);
				return this.#container(principal, ref);
			},
			update: async (principal, ref, input) => {
				this.#record('containers.update', principal, [ref, input]);
				return this.#container(principal, ref);
			},
			delete: act('delete'),
			start: act('start'),
			stop: act('stop'),
			reboot: act('reboot'),
			pause: act('pause'),
			unpause: act('unpause'),
			kill: act('kill'),
			rebuild: act('rebuild'),
			networkAttach: act('networkAttach'),
			networkDetach: act('networkDetach'),
			addSecurityGroup: act('addSecurityGroup'),
			removeSecurityGroup: act('removeSecurityGroup'),
			resize: act('resize'),
			execute: async (principal, ref, command, signal) => {
				this.#record('containers.execute', principal, [ref, command]);
				this.#container(principal, ref);
				await this.beforeOutput(signal);
				return { stdout: bytes(), stderr: Buffer.alloc(0), output: bytes(), exitCode: 7, truncated: false };
			},
			executeInteractive: async () => noSession(),
			attach: async () => noSession(),
			logs: async (principal, ref, request) => {
				this.#record('containers.logs', principal, [ref, request]);
				this.#container(principal, ref);
				return chunks(bytes());
			},
			top: async (principal, ref, psArgs) => {
				this.#record('containers.top', principal, [ref, psArgs]);
				this.#container(principal, ref);
				return { titles: ['PID', 'CMD'], processes: [['1', 'nginx']] };
			},
			stats: async (principal, ref) => {
				this.#record('containers.stats', principal, [ref]);
				this.#container(principal, ref);
				const mib = 1024 * 1024;
				return {
					cpuPercent: 12.5,
					memoryUsed: 64 * mib,
					memoryLimit: 512 * mib,
					blockRead: 1,
					blockWritten: 2,
					networkReceived: 3,
					networkSent: 4,
					pids: 5,
				};
			},
			getArchive: async (principal, ref, path) => {
				this.#record('containers.getArchive', principal, [ref, path]);
				this.#container(principal, ref);
				return { stat: { name: 'a', size: 6, mode: 0o644, mtime: '2026-01-02T03:04:05Z', linkTarget: '' }, tar: pieces(bytes()) };
			},
			putArchive: async (principal, ref, path, tar) => {
				const parts: Uint8Array[] = [];
				for await (const part of tar) parts.push(part);
				this.#record('containers.putArchive', principal, [ref, path, Buffer.concat(parts).toString('latin1')]);
				this.#container(principal, ref);
			},
			commit: async (principal, ref, repository, tag) => {
				this.#record('containers.commit', principal, [ref, repository, tag]);
				this.#container(principal, ref);
				return 'sha256:1234';
			},
			operations: async (principal, ref) => {
				this.#record('containers.operations', principal, [ref]);
				this.#container(principal, ref);
				return this.operations;
			},
			operation: async (principal, ref, requestId) => {
				this.#record('containers.operation', principal, [ref, requestId]);
				this.#container(principal, ref);
				const found = this.operations.find((operation) => operation.requestId === requestId);
				if (found === undefined) throw fail('resource-not-found', `Action ${requestId} could not be found.`);
				return found;
			},
			wait: async (principal, ref, status, timeout) => {
				this.#record('containers.wait', principal, [ref, status, timeout]);
				return this.#container(principal, ref);
			},
		};
	}

	async *#watch(principal: Principal, args: readonly unknown[], signal: AbortSignal): AsyncIterable<Event> {
		this.#record('events.watch', principal, args);
		yield* this.eventRows;
		const { promise, resolve } = Promise.withResolvers<void>();
		if (signal.aborted) return;
		signal.addEventListener('abort', () => resolve(), { once: true });
		await promise;
		this.#record('events.watch.ended', principal, []);
	}
}

async function* chunks(bytes: Uint8Array): AsyncIterable<OutputChunk> {
	yield { stream: 'stdout', bytes };
}

/** Odd pieces, so that whoever joins them must do it right. */
async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
	for (let at = 0; at < bytes.byteLength; at += 4) yield bytes.subarray(at, at + 4);
}

function noSession(): DriverSession {
	throw fail('not-implemented', 'no streams in memory');
}
