import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '../model/errors.ts';
import { normalDomain } from '../model/image.ts';
import { inCidr, parseCidr, parseIp } from '../model/ip.ts';
import { Limiter } from '../model/limiter.ts';
import { isAdmin, type Principal } from '../model/principal.ts';

/** All addresses of a host name. Fails where it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const resolveByTheSystem: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/** ms that a name has to be resolved, its turn included, and that what it was resolved to is remembered. */
const patience = 3000;
const memory = 30_000;
const maxRemembered = 1000;
/** Names that are resolved at once: the system does so in threads that others need too. */
const maxAtOnce = 2;
const maxWaiting = 50;

/**
 * Keeps users from having the engine, or the service itself, speak with what listens on the host or beside it: an image
 * is named by where it comes from, and whatever answers there is told in the reason of the failure. Names are looked up,
 * so that none that somebody points there gets by. Administrators may name any.
 */
export class RegistryGuard {
	readonly #forbidden: readonly string[];
	readonly #resolve: Resolve;
	readonly #known = new Map<string, { readonly until: number; readonly addresses: Promise<readonly string[]> }>();
	readonly #lookUps = new Limiter({
		atOnce: maxAtOnce,
		waiting: maxWaiting,
		refuse: () => fail('too-many-requests', 'Too many registries are looked up at once: try again.'),
	});

	/** `forbidden`: ranges of addresses, such as `127.0.0.0/8`. */
	constructor(forbidden: readonly string[], resolve: Resolve = resolveByTheSystem) {
		this.#forbidden = forbidden;
		this.#resolve = resolve;
	}

	/** Throws `policy-not-authorized` for an image whose registry the principal may not name. */
	async checkImage(principal: Principal, image: string | null | undefined): Promise<void> {
		const domain = image == null ? null : domainOf(image);
		if (domain !== null) await this.checkDomain(principal, domain);
	}

	/** The same for the domain of a registry, with or without a port. */
	async checkDomain(principal: Principal, domain: string): Promise<void> {
		if (this.#forbidden.length === 0 || isAdmin(principal)) return;
		const host = hostOf(domain);
		const addresses = parseIp(host) === null ? await this.#lookUp(host) : [host];
		const wrong = addresses.find((address) => !this.allows(address));
		if (wrong === undefined) return;
		const where = wrong === host ? '' : `, which is ${wrong},`;
		throw fail(
			'policy-not-authorized',
			`Policy doesn't allow the registry ${domain}${where} to be used: see the setting registries.forbidden.`,
		);
	}

	/** Whether the service may speak with the address for a user. */
	allows(address: string): boolean {
		// Another way to write an IPv4 address.
		const ip = parseIp(address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, ''));
		if (ip === null) return false;
		return !this.#forbidden.some((range) => {
			const cidr = parseCidr(range);
			return cidr !== null && cidr.version === ip.version && inCidr(cidr, ip);
		});
	}

	/** No address where there is none: the engine will not find any either, and says so. */
	async #lookUp(host: string): Promise<readonly string[]> {
		const now = performance.now();
		const known = this.#known.get(host);
		if (known !== undefined && known.until > now) return await known.addresses;
		if (this.#known.size >= maxRemembered) this.#known.clear();
		const addresses = this.#inTurn(host);
		this.#known.set(host, { until: now + memory, addresses });
		addresses.catch(() => this.#known.delete(host));
		return await addresses;
	}

	async #inTurn(host: string): Promise<readonly string[]> {
		const resolving = this.#lookUps.run(() => this.#resolve(host).catch(() => []));
		const late = new AbortController();
		const inTime = await Promise.race([resolving, delay(patience, null, { signal: late.signal }).catch(() => null)]);
		late.abort();
		// Who answers us late on purpose may answer the engine.
		if (inTime === null) throw fail('service-unavailable', `Registry ${host} could not be looked up in time: try again.`);
		return inTime;
	}
}

/** The registry that an engine would speak with; null = Docker Hub. Newer ones take capitals for a registry's name too. */
function domainOf(image: string): string | null {
	const slash = image.indexOf('/');
	const first = slash < 0 ? '' : image.slice(0, slash);
	return /[.:A-Z[]/.test(first) || first === 'localhost' ? first : null;
}

function hostOf(domain: string): string {
	const bare = normalDomain(domain);
	return /^\[(.*)\](:\d+)?$/.exec(bare)?.[1] ?? bare.replace(/:\d*$/, '').replace(/\.$/, '');
}
