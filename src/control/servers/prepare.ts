import { fail, ZunboxError } from '../../model/errors.ts';
import { isAdmin, type Principal } from '../../model/principal.ts';
import { delegationOf } from '../../providers/delegation.ts';
import type { RequestedNet } from '../../providers/network/network-provider.ts';
import { ProviderError, type ProviderFailure } from '../../providers/provider-error.ts';
import type { Queryable } from '../../store/store.ts';
import type { MountRequest, SandboxPlacement } from '../control.ts';
import type { Deps } from '../deps.ts';
import type { ServerRequest } from './request.ts';

/** ms that a request waits for other services before anything is written. */
const patience = 45_000;

/** What a sandbox is to be attached to and made of, found for it where that is other services' to know. */
export interface Prepared {
	/** Missing = it is placed by our own scheduler. */
	readonly server?: ServerRequest;
}

/** Cores, MiB and GiB. */
export interface PreparedSize {
	readonly cpu: number;
	readonly memory: number;
	readonly disk: number;
}

/**
 * Finds, with the user's rights and before anything is written, what a new sandbox names of other services: networks,
 * ports, groups, a flavor. Throws what is wrong with it as the user's error. Where there are no such services the input
 * is answered as it is.
 */
export async function prepareSandbox<Input extends SandboxPlacement>(
	deps: Deps,
	principal: Principal,
	input: Input,
	size: PreparedSize,
): Promise<Input & Prepared> {
	const { compute, network } = deps;
	if (compute === undefined || network.resolver === undefined) return input;
	delegationOf(principal);
	const availabilityZone = await zoneOf(deps.store.db, principal, input);
	const { flavor, hints } = await readServerHints(deps.store.db, principal, input.hints ?? {});
	const signal = AbortSignal.timeout(patience);
	const wish = { cpu: size.cpu, memoryMib: size.memory, diskGib: size.disk, flavor };
	const [attached, choice] = await asUserErrors(
		Promise.all([
			network.resolver.nets(principal, input.nets ?? [], input.securityGroups ?? null, signal),
			compute.provider.choose(principal, wish, signal),
		]),
	);
	return { ...input, ...attached, server: { ...choice, availabilityZone, hints, requestId: principal.requestId } };
}

/** The volumes that mounts name, and those that are to be made for them, found likewise where they are another service's. */
export async function prepareMounts<One extends Mount>(deps: Deps, principal: Principal, mounts: readonly One[]): Promise<readonly One[]> {
	const service = deps.compute?.volumes;
	if (service === undefined || mounts.length === 0) return mounts;
	delegationOf(principal);
	const signal = AbortSignal.timeout(patience);
	return await asUserErrors(
		Promise.all(
			mounts.map(async (mount): Promise<One> => {
				const { type, source, size } = mount;
				if (type === 'bind') return mount;
				if (source !== undefined)
					return { ...mount, resolved: { kind: 'existing', volume: await service.resolve(principal, source, signal) } };
				if (size === undefined) return mount;
				deps.volumes.checkSize(size);
				return { ...mount, resolved: { kind: 'new', size } };
			}),
		),
	);
}

/** A mount, or a volume that a sandbox is to have. */
type Mount = Omit<MountRequest, 'type' | 'destination'> & Partial<Pick<MountRequest, 'type'>>;

/** A port that is to be attached, found likewise. */
export async function prepareNet(deps: Deps, principal: Principal, net: RequestedNet): Promise<RequestedNet> {
	const { resolver } = deps.network;
	if (resolver === undefined) return net;
	const wanted = net.network === undefined && net.port === undefined ? [] : [net];
	const { nets } = await asUserErrors(resolver.nets(principal, wanted, [], AbortSignal.timeout(patience)));
	const [found] = nets;
	if (found === undefined) throw fail('conflict', 'There is no network to connect to: make one first.');
	return { ...net, ...found };
}

/** The ids of the network, port or group that is meant. */
export async function prepareIds(
	deps: Deps,
	principal: Principal,
	what: { readonly network?: string; readonly port?: string },
): Promise<{ readonly network?: string; readonly port?: string }> {
	const { resolver } = deps.network;
	if (resolver === undefined) return what;
	const signal = AbortSignal.timeout(patience);
	if (what.port !== undefined) return { port: await asUserErrors(resolver.port(principal, what.port, signal)) };
	return { network: await asUserErrors(resolver.network(principal, what.network ?? '', signal)) };
}

export async function prepareGroup(deps: Deps, principal: Principal, group: string): Promise<string> {
	const { resolver } = deps.network;
	if (resolver === undefined) return group;
	return await asUserErrors(resolver.securityGroup(principal, group, AbortSignal.timeout(patience)));
}

async function zoneOf(db: Queryable, principal: Principal, { availabilityZone, host }: SandboxPlacement): Promise<string | null> {
	if ((host !== undefined || availabilityZone?.includes(':') === true) && !isAdmin(principal)) {
		throw fail('policy-not-authorized', 'Only an administrator may name the host of a sandbox.');
	}
	if (host === undefined) return availabilityZone ?? null;
	const known = await db.selectFrom('host').select('id').where('hostname', '=', host).executeTakeFirst();
	if (known === undefined) throw fail('requested-host-not-found', `Host ${host} could not be found.`);
	return `${availabilityZone ?? ''}:${host}`;
}

/** `flavor` is ours to read; what names sandboxes is told in the compute service's ids, and all else as it is. */
async function readServerHints(
	db: Queryable,
	principal: Principal,
	given: Readonly<Record<string, unknown>>,
): Promise<{ readonly flavor: string | null; readonly hints: Readonly<Record<string, unknown>> }> {
	const { flavor, ...others } = given;
	if (flavor !== undefined && typeof flavor !== 'string') throw fail('invalid-value', 'hint flavor must be the id or name of a flavor');
	const hints: Record<string, unknown> = { ...others };
	for (const key of ['same_host', 'different_host']) {
		const value = others[key];
		if (value === undefined) continue;
		const refs = typeof value === 'string' ? [value] : value;
		if (!Array.isArray(refs) || !refs.every((ref) => typeof ref === 'string')) {
			throw fail('invalid-value', `hint ${key} must be the id or name of a sandbox, or a list of them`);
		}
		const ids: string[] = [];
		for (const ref of refs) ids.push(await serverIdOf(db, principal, ref));
		hints[key] = ids;
	}
	return { flavor: flavor ?? null, hints };
}

/** A text that names none of the project's sandboxes may be a server's id. */
async function serverIdOf(db: Queryable, principal: Principal, ref: string): Promise<string> {
	const row = await db
		.selectFrom('server')
		.innerJoin('sandbox', 'sandbox.id', 'server.sandbox_id')
		.select('server.server_id')
		.where('sandbox.project_id', '=', principal.projectId)
		.where((eb) => eb.or([eb('sandbox.id', '=', ref), eb('sandbox.name', '=', ref)]))
		.executeTakeFirst();
	return row?.server_id ?? ref;
}

const codes = {
	unavailable: 'service-unavailable',
	unauthorized: 'unauthorized',
	'not-found': 'resource-not-found',
	conflict: 'conflict',
	refused: 'policy-not-authorized',
} as const satisfies Record<ProviderFailure, string>;

/** What another service said, as an error of the request. */
export async function asUserErrors<T>(call: Promise<T>): Promise<T> {
	try {
		return await call;
	} catch (error) {
		if (error instanceof ZunboxError) throw error;
		if (error instanceof ProviderError) throw fail(codes[error.failure], error.message, { cause: error });
		if (error instanceof DOMException && error.name === 'TimeoutError') {
			throw fail('service-unavailable', 'Another service did not answer in time: try again in a moment.', { cause: error });
		}
		throw error;
	}
}
