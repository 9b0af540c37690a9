import type { FastifyBaseLogger } from 'fastify';
import type { WebSocket } from 'ws';
import type { Control } from '../../control/control.ts';
import type { TerminalSize } from '../../drivers/driver.ts';
import { fail, messageOf } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { checkContainerAction } from '../../model/transitions.ts';
import { streamCounter } from '../http/reply.ts';
import type { ApiOptions, StreamCounter } from '../options.ts';
import { type Exec, Execs } from './execs.ts';
import { type StreamAddress, streamLink } from './link.ts';
import { runSession } from './session.ts';
import { type StreamGrant, StreamTickets } from './tickets.ts';

/** How long the exit code of an interactive command can be asked for, in ms. */
const exitCodeKept = 3_600_000;

export interface TerminalsOptions
	extends Pick<ApiOptions, 'hostDeadline' | 'maxSessions' | 'maxStreamLinks' | 'streamLinkLifetime' | 'stalledAfter'> {}

/**
 * Two-way streams to processes: attach, and execute with a stream. A link is asked for with the usual token and holds
 * one of its own, for one stream to one process; opening the link opens the stream, through control and the host's
 * agent. All of it belongs to this process: a link that was made before a restart is void after it, as are its streams.
 */
export class Terminals {
	readonly #control: Control;
	readonly #options: TerminalsOptions;
	readonly #log: FastifyBaseLogger;
	readonly #stopping: AbortSignal;
	readonly #tickets: StreamTickets;
	readonly #execs: Execs;
	readonly #sessions: StreamCounter;

	constructor(control: Control, options: TerminalsOptions, log: FastifyBaseLogger, stopping: AbortSignal) {
		this.#control = control;
		this.#options = options;
		this.#log = log;
		this.#stopping = stopping;
		this.#tickets = new StreamTickets(options.streamLinkLifetime, streamCounter(options.maxStreamLinks));
		const waiting = options.streamLinkLifetime + options.hostDeadline;
		this.#execs = new Execs({ waiting, kept: exitCodeKept, keptOfProject: 256 });
		this.#sessions = streamCounter(options.maxSessions);
	}

	/** A link to the container's first process. `base` is where the client reaches the service. */
	async attach(principal: Principal, ref: string, base: string): Promise<string> {
		const view = await this.#control.containers.show(principal, ref);
		checkContainerAction('attach', view);
		if (!view.interactive) {
			throw fail('no-interactive-flag', `Container ${view.id} was not created with interactive: there is nothing to attach to.`);
		}
		return this.#link({ principal, containerId: view.id, exec: null }, base);
	}

	/** A link to a command, which starts when the link is opened. */
	async execute(
		principal: Principal,
		ref: string,
		command: readonly string[],
		tty: boolean,
		base: string,
	): Promise<{ readonly exec: Exec; readonly link: string }> {
		const view = await this.#control.containers.show(principal, ref);
		checkContainerAction('execute', view);
		const exec = this.#execs.create({ projectId: view.projectId, containerId: view.id, command, tty });
		return { exec, link: this.#link({ principal, containerId: view.id, exec }, base) };
	}

	/** Size of a command's terminal. Fails with `invalid` for whatever is wrong with the command. */
	async resize(principal: Principal, ref: string, execId: string, size: TerminalSize): Promise<void> {
		const view = await this.#control.containers.show(principal, ref);
		await this.#execs.resize(view.id, execId, size);
	}

	async exec(principal: Principal, ref: string, execId: string): Promise<Exec> {
		const view = await this.#control.containers.show(principal, ref);
		const exec = this.#execs.find(view.id, execId);
		if (exec === null) throw fail('resource-not-found', `There is no exec ${execId} in container ${view.id}, or none any more.`);
		return exec;
	}

	/** Takes a place and uses up the link's token. Throws `too-many-requests`, or `policy-not-authorized`. */
	redeem(address: StreamAddress): { readonly grant: StreamGrant; readonly giveBack: () => void } {
		const grant = this.#tickets.redeem(address);
		if (grant === null) {
			throw fail('policy-not-authorized', 'This link was used, is too old, or was made for something else: ask for a new one.');
		}
		try {
			return { grant, giveBack: this.#sessions.open(grant.principal.projectId) };
		} catch (error) {
			if (grant.exec !== null) this.#execs.ended(grant.exec.id, null);
			throw error;
		}
	}

	/** Serves the connection of a client whose link was taken, to its end. */
	async serve(socket: WebSocket, { principal, containerId, exec }: StreamGrant): Promise<void> {
		const { containers } = this.#control;
		const facts = { containerId, execId: exec?.id ?? null, requestId: principal.requestId };
		this.#log.debug(facts, 'stream opened');
		const end = await runSession(socket, {
			open: (signal) =>
				exec === null
					? containers.attach(principal, containerId, signal)
					: containers.executeInteractive(principal, containerId, exec.command, exec.tty, signal),
			opened: (session) => {
				// A size that cannot be set is no reason to refuse the stream.
				if (exec !== null) this.#execs.started(exec.id, session).catch(() => undefined);
			},
			openWithin: this.#options.hostDeadline,
			stalledAfter: exec === null ? this.#options.stalledAfter : null,
			stopping: this.#stopping,
		});
		if (exec !== null) this.#execs.ended(exec.id, end.exitCode);
		if (end.error !== null) this.#log.info({ ...facts, error: messageOf(end.error) }, 'a stream failed');
		this.#log.debug({ ...facts, exitCode: end.exitCode }, 'stream closed');
	}

	#link(grant: StreamGrant, base: string): string {
		const token = this.#tickets.issue(grant);
		return streamLink(base, { token, containerId: grant.containerId, execId: grant.exec?.id ?? null });
	}
}
