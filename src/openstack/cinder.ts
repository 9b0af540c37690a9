import { gone } from './errors.ts';
import { Fields } from './fields.ts';
import { asService, type Caller, type RequestFacts, type Session } from './session.ts';

/** Attachments' own API (3.27), and volumes by their metadata. */
const microversion = '3.44';
const pageSize = 500;

/** A volume as the volume service shows it. */
export interface CinderVolume {
	readonly id: string;
	readonly name: string;
	readonly description: string;
	/** null = not the caller's to know. */
	readonly projectId: string | null;
	/** GiB. */
	readonly size: number;
	/** creating, available, in-use, attaching, detaching, deleting, error, ... */
	readonly status: string;
	readonly type: string | null;
	readonly availabilityZone: string | null;
	readonly multiattach: boolean;
	readonly metadata: Readonly<Record<string, string>>;
	readonly attachments: readonly { readonly serverId: string; readonly device: string; readonly attachmentId: string }[];
}

export interface NewVolume {
	/** GiB. */
	readonly size: number;
	readonly name: string;
	readonly description?: string;
	readonly type?: string;
	readonly availabilityZone?: string;
	/** By which it is found again. */
	readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The volume service. Every method fails with an OpenStackError: 404 for what is not there, 413 for a quota that is used
 * up, 400 for a volume whose status does not allow it.
 */
export class CinderClient {
	readonly #session: Session;

	constructor(session: Session) {
		this.#session = session;
	}

	async volume(caller: Caller, id: string, signal: AbortSignal): Promise<CinderVolume> {
		return readVolume((await this.#ask(caller, { method: 'GET', path: `/volumes/${encodeURIComponent(id)}` }, signal)).fields('volume'));
	}

	/** Volumes of the caller's project; of every project for the service user. */
	async volumes(
		caller: Caller,
		filter: { readonly name?: string; readonly metadata?: Readonly<Record<string, string>> },
		signal: AbortSignal,
	): Promise<readonly CinderVolume[]> {
		const found: CinderVolume[] = [];
		for (;;) {
			const query = {
				all_tenants: caller.type === 'service' ? true : undefined,
				name: filter.name,
				// The service reads a Python dictionary here.
				metadata: filter.metadata === undefined ? undefined : JSON.stringify(filter.metadata).replaceAll('"', "'"),
				limit: pageSize,
				marker: found.at(-1)?.id,
			};
			const page = (await this.#ask(caller, { method: 'GET', path: '/volumes/detail', query }, signal)).list('volumes').map(readVolume);
			found.push(...page);
			if (page.length < pageSize) return found;
		}
	}

	/** Not repeatable: after a failure without an answer, look for its metadata before asking again. */
	async createVolume(caller: Caller, volume: NewVolume, signal: AbortSignal): Promise<CinderVolume> {
		const body = {
			volume: {
				size: volume.size,
				name: volume.name,
				metadata: volume.metadata,
				...(volume.description === undefined ? {} : { description: volume.description }),
				...(volume.type === undefined ? {} : { volume_type: volume.type }),
				...(volume.availabilityZone === undefined ? {} : { availability_zone: volume.availabilityZone }),
			},
		};
		return readVolume((await this.#ask(caller, { method: 'POST', path: '/volumes', body }, signal)).fields('volume'));
	}

	/** Begins it; succeeds also when it is not there. Answers whether it was. */
	async deleteVolume(caller: Caller, id: string, signal: AbortSignal): Promise<boolean> {
		return await gone(this.#ask(caller, { method: 'DELETE', path: `/volumes/${encodeURIComponent(id)}` }, signal));
	}

	/** Also one whose status is wrong, as long as nothing has it. Administrators only. */
	async forceDeleteVolume(id: string, signal: AbortSignal): Promise<boolean> {
		const path = `/volumes/${encodeURIComponent(id)}/action`;
		return await gone(this.#ask(asService, { method: 'POST', path, body: { 'os-force_delete': {} }, repeatable: true }, signal));
	}

	async setMetadata(caller: Caller, id: string, metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
		const path = `/volumes/${encodeURIComponent(id)}/metadata`;
		await this.#ask(caller, { method: 'POST', path, body: { metadata }, repeatable: true }, signal);
	}

	async types(caller: Caller, signal: AbortSignal): Promise<readonly { readonly id: string; readonly name: string }[]> {
		const answer = await this.#ask(caller, { method: 'GET', path: '/types' }, signal);
		return answer.list('volume_types').map((type) => ({ id: type.text('id'), name: type.text('name') }));
	}

	/** Parts of the volume service on the cloud's hosts. Administrators only. */
	async services(signal: AbortSignal): Promise<readonly { readonly binary: string; readonly host: string; readonly state: string }[]> {
		const answer = await this.#ask(asService, { method: 'GET', path: '/os-services' }, signal);
		return answer.list('services').map((one) => ({ binary: one.text('binary'), host: one.text('host'), state: one.text('state') }));
	}

	async #ask(caller: Caller, facts: RequestFacts, signal: AbortSignal): Promise<Fields> {
		const { body } = await this.#session.request(caller, 'volume', { microversion, ...facts }, signal);
		return new Fields('volume', 'answer', body ?? {});
	}
}

function readVolume(volume: Fields): CinderVolume {
	return {
		id: volume.text('id'),
		name: volume.textOr('name', ''),
		description: volume.textOr('description', ''),
		projectId: volume.textOrNull('os-vol-tenant-attr:tenant_id'),
		size: volume.number('size'),
		status: volume.text('status'),
		type: volume.textOrNull('volume_type'),
		availabilityZone: volume.textOrNull('availability_zone'),
		multiattach: volume.flag('multiattach'),
		metadata: volume.map('metadata'),
		attachments: volume.list('attachments').map((one) => ({
			serverId: one.textOr('server_id', ''),
			device: one.textOr('device', ''),
			attachmentId: one.textOr('attachment_id', ''),
		})),
	};
}
