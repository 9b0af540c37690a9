import { gone } from './errors.ts';
import { Fields } from './fields.ts';
import { bodyOfServer, type NewServer, type NovaFlavor, type NovaInterface, type NovaServer, readServer } from './nova-server.ts';
import { asService, type Caller, type Query, type RequestFacts, type Session } from './session.ts';

export type { NewServer, NovaFlavor, NovaInterface, NovaServer } from './nova-server.ts';

/** Train's. Tags at creation, the flavor within the server, and attachments that say what goes with the server. */
const microversion = '2.79';
/** From here on a server's host name is given beside its name. */
const hostnameVersion = '2.90';
const pageSize = 500;

export type ServerAction = 'start' | 'stop' | 'pause' | 'unpause' | 'reboot';

const actionBodies: Readonly<Record<ServerAction, object>> = {
	start: { 'os-start': null },
	stop: { 'os-stop': null },
	pause: { pause: null },
	unpause: { unpause: null },
	reboot: { reboot: { type: 'HARD' } },
};

/**
 * The compute service. Every method fails with an OpenStackError: 404 for what is not there, 409 when the server is in a
 * state that does not allow it, 403 for a quota that is used up or a policy that forbids it.
 */
export class NovaClient {
	readonly #session: Session;
	/** Whether the service takes host names; asked once. */
	#takesHostname: Promise<boolean> | null = null;

	constructor(session: Session) {
		this.#session = session;
	}

	/** Not repeatable: after a failure without an answer, look for the server's tag before asking again. Answers its id. */
	async createServer(caller: Caller, server: NewServer, signal: AbortSignal): Promise<string> {
		const withHostname = server.hostname !== undefined && (await this.#knowsHostname(signal));
		const created = await this.#ask(
			caller,
			{
				method: 'POST',
				path: '/servers',
				body: bodyOfServer(server, withHostname),
				...(withHostname ? { microversion: hostnameVersion } : {}),
			},
			signal,
		);
		return created.fields('server').text('id');
	}

	async server(caller: Caller, id: string, signal: AbortSignal): Promise<NovaServer> {
		return readServer((await this.#ask(caller, { method: 'GET', path: `/servers/${encodeURIComponent(id)}` }, signal)).fields('server'));
	}

	/** Servers of every project (for an administrator) that have the tag, deleted ones left out. */
	async serversByTag(caller: Caller, tag: string, signal: AbortSignal): Promise<readonly NovaServer[]> {
		return await this.#servers(caller, { all_tenants: caller.type === 'service' ? true : undefined, tags: tag }, signal);
	}

	/**
	 * Servers of every project that changed at `since` (ms since the epoch) or later, those that were deleted since included
	 * (status DELETED); null = all that there are.
	 */
	async serversChangedSince(since: number | null, signal: AbortSignal): Promise<readonly NovaServer[]> {
		return await this.#servers(
			asService,
			{ all_tenants: true, 'changes-since': since === null ? undefined : new Date(since).toISOString() },
			signal,
		);
	}

	async action(caller: Caller, id: string, action: ServerAction, signal: AbortSignal): Promise<void> {
		await this.#ask(caller, { method: 'POST', path: `/servers/${encodeURIComponent(id)}/action`, body: actionBodies[action] }, signal);
	}

	/** Begins it; succeeds also when the server is not there. Answers whether it was. */
	async deleteServer(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await gone(this.#ask(caller, { method: 'DELETE', path: `/servers/${encodeURIComponent(id)}` }, signal));
	}

	/** Also for a server that is in the middle of something. Administrators only. */
	async forceDelete(id: string, signal: AbortSignal): Promise<boolean> {
		const path = `/servers/${encodeURIComponent(id)}/action`;
		return await gone(this.#ask(asService, { method: 'POST', path, body: { forceDelete: null }, repeatable: true }, signal));
	}

	async setMetadata(caller: Caller, id: string, metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
		const path = `/servers/${encodeURIComponent(id)}/metadata`;
		await this.#ask(caller, { method: 'POST', path, body: { metadata }, repeatable: true }, signal);
	}

	async tags(caller: Caller, id: string, signal: AbortSignal): Promise<readonly string[]> {
		return (await this.#ask(caller, { method: 'GET', path: `/servers/${encodeURIComponent(id)}/tags` }, signal)).texts('tags');
	}

	/** Ports that the server has. */
	async interfaces(caller: Caller, id: string, signal: AbortSignal): Promise<readonly NovaInterface[]> {
		const answer = await this.#ask(caller, { method: 'GET', path: `/servers/${encodeURIComponent(id)}/os-interface` }, signal);
		return answer.list('interfaceAttachments').map((one) => ({
			portId: one.text('port_id'),
			networkId: one.text('net_id'),
			macAddress: one.textOr('mac_addr', ''),
			addresses: one.list('fixed_ips').map((ip) => ip.text('ip_address')),
		}));
	}

	/** Answers when the port is in the server. */
	async attachInterface(caller: Caller, id: string, portId: string, signal: AbortSignal): Promise<void> {
		const path = `/servers/${encodeURIComponent(id)}/os-interface`;
		await this.#ask(caller, { method: 'POST', path, body: { interfaceAttachment: { port_id: portId } }, timeout: slow }, signal);
	}

	/** Begins it; succeeds also when the port is not there. */
	async detachInterface(caller: Caller, id: string, portId: string, signal: AbortSignal): Promise<boolean> {
		const path = `/servers/${encodeURIComponent(id)}/os-interface/${encodeURIComponent(portId)}`;
		return await gone(this.#ask(caller, { method: 'DELETE', path }, signal));
	}

	/** Ids of the volumes that the server has. */
	async volumes(caller: Caller, id: string, signal: AbortSignal): Promise<readonly string[]> {
		const path = `/servers/${encodeURIComponent(id)}/os-volume_attachments`;
		return (await this.#ask(caller, { method: 'GET', path }, signal)).list('volumeAttachments').map((one) => one.text('volumeId'));
	}

	/** Begins it. */
	async attachVolume(caller: Caller, id: string, volumeId: string, signal: AbortSignal): Promise<void> {
		const path = `/servers/${encodeURIComponent(id)}/os-volume_attachments`;
		await this.#ask(caller, { method: 'POST', path, body: { volumeAttachment: { volumeId } }, timeout: slow }, signal);
	}

	/** Begins it; succeeds also when the volume is not there. */
	async detachVolume(caller: Caller, id: string, volumeId: string, signal: AbortSignal): Promise<boolean> {
		const path = `/servers/${encodeURIComponent(id)}/os-volume_attachments/${encodeURIComponent(volumeId)}`;
		return await gone(this.#ask(caller, { method: 'DELETE', path }, signal));
	}

	/** All that the caller may use. */
	async flavors(caller: Caller, signal: AbortSignal): Promise<readonly NovaFlavor[]> {
		const found: NovaFlavor[] = [];
		for (;;) {
			const query = { limit: pageSize, marker: found.at(-1)?.id };
			const page = await this.#ask(caller, { method: 'GET', path: '/flavors/detail', query }, signal);
			const flavors = page.list('flavors').map((flavor) => ({
				id: flavor.text('id'),
				name: flavor.text('name'),
				vcpus: flavor.number('vcpus'),
				memoryMib: flavor.number('ram'),
				diskGib: flavor.number('disk'),
				isPublic: flavor.flag('os-flavor-access:is_public'),
				extraSpecs: flavor.map('extra_specs'),
			}));
			found.push(...flavors);
			if (flavors.length < pageSize) return found;
		}
	}

	/** Kinds of hypervisors that compute hosts have told of. Administrators only. */
	async hypervisors(
		signal: AbortSignal,
	): Promise<readonly { readonly hostname: string; readonly type: string; readonly state: string; readonly status: string }[]> {
		const answer = await this.#ask(asService, { method: 'GET', path: '/os-hypervisors/detail' }, signal);
		return answer.list('hypervisors').map((one) => ({
			hostname: one.text('hypervisor_hostname'),
			type: one.textOr('hypervisor_type', ''),
			state: one.textOr('state', ''),
			status: one.textOr('status', ''),
		}));
	}

	/** The service's newest microversion, such as `2.93`. */
	async newestVersion(signal: AbortSignal): Promise<string> {
		const { body } = await this.#session.request(asService, 'compute', { method: 'GET', path: '/', accept: [300] }, signal);
		return new Fields('compute', 'answer', body).fields('version').textOr('version', '2.1');
	}

	async #knowsHostname(signal: AbortSignal): Promise<boolean> {
		this.#takesHostname ??= this.newestVersion(signal).then((newest) => minorOf(newest) >= minorOf(hostnameVersion));
		try {
			return await this.#takesHostname;
		} catch (error) {
			this.#takesHostname = null;
			throw error;
		}
	}

	async #servers(caller: Caller, query: Query, signal: AbortSignal): Promise<readonly NovaServer[]> {
		const found: NovaServer[] = [];
		for (;;) {
			const page = await this.#ask(
				caller,
				{ method: 'GET', path: '/servers/detail', query: { ...query, limit: pageSize, marker: found.at(-1)?.id } },
				signal,
			);
			const servers = page.list('servers').map(readServer);
			found.push(...servers);
			// A service may give less than what is asked for, but then it tells of more.
			if (servers.length === 0 || (servers.length < pageSize && page.list('servers_links').length === 0)) return found;
		}
	}

	async #ask(caller: Caller, facts: RequestFacts, signal: AbortSignal): Promise<Fields> {
		const { body } = await this.#session.request(caller, 'compute', { microversion, ...facts }, signal);
		return new Fields('compute', 'answer', body ?? {});
	}
}

/** ms for calls that the compute service answers only after its host has done something. */
const slow = 120_000;

function minorOf(version: string): number {
	return Number(version.split('.')[1] ?? 0);
}
