import { failPoint } from '../../faults/fail-point.ts';
import { parseExposedPort } from '../../providers/network/exposed-port.ts';
import type { PortFacts } from '../../providers/network/port-service.ts';
import { fromJson } from '../../store/json.ts';
import { updateSandbox } from '../../store/sandboxes.ts';
import { type ServerGroupRow, type ServerPortRow, serverRow, updateServer, updateServerPort } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { Deps } from '../deps.ts';
import { failMaking, madeReady, serverIsGone } from './endings.ts';
import { requestOf, type WantedPort } from './request.ts';
import { done, lookAgain, type StepContext, type StepResult, serverIdOf, userOf } from './step-context.ts';

/** The group that opens a container's exposed ports. */
export async function makeGroup({ deps, compute, signal }: StepContext, group: ServerGroupRow): Promise<StepResult> {
	const ports = fromJson<string[]>(group.exposed).map(parseExposedPort);
	const id = await compute.ports.ensureExposing({ containerId: group.container_id, projectId: group.project_id, ports }, signal);
	failPoint('control.server.group-made');
	await deps.store.transaction((tx) =>
		tx.updateTable('server_group').set({ group_id: id, rules_made: 1 }).where('container_id', '=', group.container_id).execute(),
	);
	return done;
}

/** A port in the user's project and name. One that was asked for before a crash is found again. */
export async function makePort(context: StepContext, port: ServerPortRow, groupIds: readonly string[] | null): Promise<StepResult> {
	const { deps, compute, sight, signal } = context;
	const { sandbox, server } = sight;
	const { store } = deps;
	let facts = port.asked === 1 ? await compute.ports.find(port.project_id, sandbox.id, port.position, signal) : null;
	if (facts === null) {
		await store.transaction((tx) => updateServerPort(tx, port, { asked: 1 }));
		failPoint('control.server.port-asked');
		const { addresses, macAddress }: WantedPort = fromJson(port.wanted);
		facts = await compute.ports.create(
			{
				sandboxId: sandbox.id,
				position: port.position,
				projectId: port.project_id,
				networkId: port.network_id,
				addresses,
				macAddress,
				groupIds,
				requestId: requestOf(server).requestId,
			},
			userOf(compute, server),
			signal,
		);
		failPoint('control.server.port-made');
	}
	const made = facts;
	await store.transaction(async (tx) => {
		await updateServerPort(tx, port, { port_id: made.portId, ...mirrored(made) });
		// Its addresses are shown.
		await updateSandbox(tx, sandbox.id, {}, deps.now());
	});
	return done;
}

/** What is shown of a port, and what its groups were when they were last known. */
export function mirrored({ macAddress, fixedIps, groupIds }: PortFacts): Partial<ServerPortRow> {
	return { mac_address: macAddress, fixed_ips: JSON.stringify(fixedIps), groups_set: JSON.stringify([...groupIds].sort()) };
}

/** The server, in the user's project and name. One that was asked for before a crash is found again. */
export async function makeServer(context: StepContext): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const { sandbox, server, ports } = sight;
	if (server.asked > 0) {
		const found = await ownServers(context);
		const [first] = found;
		if (first !== undefined) return await recordServer(deps, sandbox.id, first.serverId);
		// What was sent may still be on its way through the compute service.
		if (looks < looksBeforeRepeat) return lookAgain(context);
	}
	await deps.store.transaction(async (tx) => {
		await updateServer(tx, sandbox.id, { asked: server.asked + 1 });
		for (const port of ports) await updateServerPort(tx, port, { attached: 1 });
	});
	failPoint('control.server.asked');
	const request = requestOf(server);
	const id = await compute.provider.create(
		{
			sandboxId: sandbox.id,
			name: sandbox.name,
			flavorId: request.flavorId,
			imageId: request.imageId,
			availabilityZone: request.availabilityZone,
			hints: request.hints,
			portIds: ports.flatMap(({ port_id }) => port_id ?? []),
			requestId: request.requestId,
		},
		userOf(compute, server),
		signal,
	);
	failPoint('control.server.made');
	return await recordServer(deps, sandbox.id, id);
}

/** Looks for a server that was asked for and not found, before it is asked for again. */
const looksBeforeRepeat = 6;

/** Servers that were made for the sandbox. Somebody else's that only say so are passed over. */
export async function ownServers({ compute, sight, signal }: StepContext) {
	const found = await compute.provider.find(sight.sandbox.id, signal);
	return found.filter(({ projectId, state }) => projectId === sight.server.project_id && state !== 'gone');
}

async function recordServer(deps: Deps, sandboxId: string, serverId: string): Promise<StepResult> {
	await deps.store.transaction((tx) => knowServer(deps, tx, sandboxId, serverId));
	return done;
}

/** Writes which server the sandbox is. */
export async function knowServer(deps: Deps, tx: StoreTransaction, sandboxId: string, serverId: string): Promise<void> {
	await updateServer(tx, sandboxId, { server_id: serverId });
	await updateSandbox(tx, sandboxId, { provider_ids: JSON.stringify({ nova: serverId }) }, deps.now());
}

/**
 * What becomes of its making at the compute service. Its own host tells of the good end first, so the looks are for the
 * others, and seldom: each is work for the compute service while it makes the server.
 */
export async function followMaking(context: StepContext): Promise<StepResult> {
	const { deps, compute, sight, looks, signal } = context;
	const { sandbox } = sight;
	const pause = compute.options.longestLook;
	if (looks === 0) return pause;
	const view = await compute.provider.server(serverIdOf(sight), signal);
	const state = view?.state ?? 'gone';
	if (view !== null && (state === 'building' || view.busy) && state !== 'error') return pause;
	if (sight.server.asked > 1) await removeDoubles(context);
	await deps.store.transaction(async (tx) => {
		const server = await serverRow(tx, sandbox.id);
		if (server === undefined || server.stage !== 'making') return;
		if (state === 'gone') return await serverIsGone(deps, tx, server, 'Its server was deleted while it was made.');
		if (state === 'error') {
			const reason = view?.fault ?? server.call_error ?? 'The compute service could not make its server, and does not say why.';
			return await failMaking(deps, tx, sandbox.id, reason);
		}
		if (server.goal !== null) return await madeReady(deps, tx, server);
		const where = view?.host === null || view === null ? 'a host' : `host ${view.host}`;
		await failMaking(deps, tx, sandbox.id, `The compute service put its server on ${where} that is none of this service's.`);
	});
	return done;
}

/** A server that was asked for twice may have been made twice. */
async function removeDoubles(context: StepContext): Promise<void> {
	const { compute, sight, signal } = context;
	for (const { serverId } of await ownServers(context)) {
		if (serverId !== sight.server.server_id) await compute.provider.remove(serverId, false, signal);
	}
}
