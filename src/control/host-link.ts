import type { ControlLink } from '../bus/bus.ts';
import { failPoint } from '../faults/fail-point.ts';
import { fail } from '../model/errors.ts';
import type { HostFacts } from '../model/host.ts';
import { newId } from '../model/ids.ts';
import type { ServerCall, ServerTaken } from '../model/server.ts';
import type { HostNetworkSpec, SandboxReport, SandboxSpec } from '../model/spec.ts';
import { isUnfinished } from '../store/operations.ts';
import { sandboxRow } from '../store/sandboxes.ts';
import type { Deps } from './deps.ts';
import { imageForHost } from './image-service/download.ts';
import { takeReport } from './reports.ts';
import { takeCall } from './servers/calls.ts';
import { sandboxSpec } from './specs.ts';

export interface HostLinkOptions {
	/** Zone of hosts that register for the first time. */
	readonly availabilityZone: string;
}

/** Control's side of the bus: what agents ask and tell. */
export class HostLink implements Omit<ControlLink, 'onWake'> {
	readonly #deps: Deps;
	readonly #options: HostLinkOptions;

	constructor(deps: Deps, options: HostLinkOptions) {
		this.#deps = deps;
		this.#options = options;
	}

	async register(facts: HostFacts): Promise<void> {
		const now = this.#deps.now();
		await this.#deps.store.transaction(async (tx) => {
			await tx
				.insertInto('host')
				.values({
					id: newId(),
					hostname: facts.hostname,
					facts: JSON.stringify(facts),
					availability_zone: this.#options.availabilityZone,
					disabled: 0,
					disabled_reason: null,
					forced_down: 0,
					last_seen_at: now,
					report_count: 1,
					created_at: now,
					updated_at: now,
				})
				.onConflict((conflict) =>
					conflict.column('hostname').doUpdateSet({ facts: JSON.stringify(facts), last_seen_at: now, updated_at: now }),
				)
				.execute();
		});
	}

	async heartbeat(hostname: string): Promise<void> {
		const now = this.#deps.now();
		await this.#deps.store.transaction(async (tx) => {
			const result = await tx
				.updateTable('host')
				.set((eb) => ({ last_seen_at: now, updated_at: now, report_count: eb('report_count', '+', 1) }))
				.where('hostname', '=', hostname)
				.executeTakeFirst();
			if (result.numUpdatedRows === 0n) throw fail('compute-node-not-found', `Host ${hostname} is not registered: it was forgotten.`);
		});
	}

	async assignments(
		hostname: string,
	): Promise<readonly { readonly sandboxId: string; readonly version: number; readonly work: boolean }[]> {
		const rows = await this.#deps.store.db
			.selectFrom('sandbox')
			.select(['id', 'spec_version'])
			.select((eb) => {
				const operation = eb.exists(
					eb.selectFrom('operation').select('operation.seq').whereRef('operation.sandbox_id', '=', 'sandbox.id').where(isUnfinished),
				);
				if (this.#deps.compute === undefined) return operation.as('work');
				const call = eb.exists(
					eb
						.selectFrom('server')
						.select('server.sandbox_id')
						.whereRef('server.sandbox_id', '=', 'sandbox.id')
						.where('call_id', 'is not', null),
				);
				return eb.or([operation, call]).as('work');
			})
			.where('host', '=', hostname)
			.execute();
		return rows.map((row) => ({ sandboxId: row.id, version: row.spec_version, work: Boolean(row.work) }));
	}

	async sandbox(hostname: string, sandboxId: string): Promise<SandboxSpec | null> {
		const row = await sandboxRow(this.#deps.store.db, sandboxId);
		if (row === undefined || row.host !== hostname) return null;
		return await sandboxSpec(this.#deps, this.#deps.store.db, row);
	}

	async report(hostname: string, report: SandboxReport): Promise<SandboxSpec | null> {
		failPoint('control.report.before');
		const woken = new Set<string>();
		const spec = await this.#deps.store.transaction(async (tx) => {
			const row = await sandboxRow(tx, report.sandboxId);
			if (row === undefined || row.host !== hostname) return null;
			const moved = await takeReport(this.#deps, tx, row, report);
			if (moved !== null) woken.add(moved);
			failPoint('control.report.before-commit');
			const after = await sandboxRow(tx, report.sandboxId);
			if (after === undefined || after.host !== hostname) return null;
			return await sandboxSpec(this.#deps, tx, after);
		});
		for (const host of woken) this.#deps.bus.wake(host, report.sandboxId);
		failPoint('control.report.committed');
		return spec;
	}

	async network(hostname: string, knownVersion: number | null): Promise<HostNetworkSpec | null> {
		if (knownVersion !== null && knownVersion === this.#deps.network.version) return null;
		const spec = await this.#deps.network.hostSpec(this.#deps.store.db, hostname);
		return spec.version === knownVersion ? null : spec;
	}

	async volumes(hostname: string): Promise<readonly string[]> {
		return await this.#deps.volumes.onHost(this.#deps.store.db, hostname);
	}

	async server(hostname: string, call: ServerCall): Promise<ServerTaken> {
		if (this.#deps.compute === undefined) throw fail('invalid', 'No compute service provisions the sandboxes of this installation.');
		failPoint('control.server-call.before');
		const taken = await this.#deps.store.transaction((tx) => takeCall(this.#deps, tx, hostname, call));
		failPoint('control.server-call.committed');
		if (taken.sandboxId !== null) this.#deps.bus.wake(hostname, taken.sandboxId);
		return taken;
	}

	async image(hostname: string, imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
		return await imageForHost(this.#deps, hostname, imageId, signal);
	}

	async servers(hostname: string): Promise<readonly { readonly serverId: string; readonly name: string; readonly sandboxId: string }[]> {
		const rows = await this.#deps.store.db
			.selectFrom('server')
			.innerJoin('sandbox', 'sandbox.id', 'server.sandbox_id')
			.select(['server.server_id', 'sandbox.name', 'sandbox.id'])
			.where('sandbox.host', '=', hostname)
			.execute();
		return rows.flatMap(({ server_id, name, id }) => (server_id === null ? [] : { serverId: server_id, name, sandboxId: id }));
	}
}
