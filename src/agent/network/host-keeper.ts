import { failPoint } from '../../faults/fail-point.ts';
import { acceptForwarding, enableForwarding, withdrawForwarding } from './forwarding.ts';
import { type HostRulesInput, hostTable } from './host-rules.ts';
import type { HostInspection, Kernel } from './kernel.ts';
import type { OwnerNames } from './names.ts';
import { canonicalListing, renderChange, renderTable, type Table } from './ruleset.ts';
import type { Run } from './run.ts';

/** Keeps our table in the host's own namespace, and forwarding, as they shall be. */
export class HostKeeper {
	readonly #kernel: Kernel;
	readonly #run: Run;
	readonly #names: OwnerNames;
	/** What the kernel holds as far as we made it; null = not known. */
	#table: Table | null = null;
	#listing: string | null = null;
	#forwards = false;

	constructor(kernel: Kernel, run: Run, names: OwnerNames) {
		this.#kernel = kernel;
		this.#run = run;
		this.#names = names;
	}

	async apply(input: HostRulesInput, signal: AbortSignal): Promise<void> {
		const after = hostTable(input);
		const change = this.#table === null ? renderTable(after) : renderChange(this.#table, after);
		if (change !== '') {
			const incremental = this.#table !== null;
			this.#table = null;
			this.#listing = null;
			failPoint('agent.network.host-rules.before');
			try {
				await this.#kernel.nft(null, change, signal);
			} catch (error) {
				signal.throwIfAborted();
				if (!incremental) throw error;
				await this.#kernel.nft(null, renderTable(after), signal);
			}
			failPoint('agent.network.host-rules.after');
			this.#table = after;
		}
		if (input.transits.size > 0 && !this.#forwards)
			await this.#forward(await this.#kernel.inspectHost(this.#names.hostTable, signal), signal);
	}

	/** Compares what was seen of the host with what was loaded; answers what was repaired. */
	async check(input: HostRulesInput, host: HostInspection, signal: AbortSignal): Promise<readonly string[]> {
		const repaired: string[] = [];
		if (this.#listing === null || canonicalListing(host.listing) !== this.#listing) {
			if (this.#listing !== null) repaired.push("rules in the host's table were changed");
			this.#table = null;
		}
		await this.apply(input, signal);
		this.#listing ??= canonicalListing((await this.#kernel.inspectHost(this.#names.hostTable, signal)).listing);
		if (input.transits.size > 0) repaired.push(...(await this.#forward(host, signal)));
		return repaired;
	}

	async clear(signal: AbortSignal): Promise<void> {
		const name = `inet ${this.#names.hostTable}`;
		this.#table = null;
		this.#listing = null;
		this.#forwards = false;
		await this.#kernel.nft(null, `add table ${name}\ndelete table ${name}\n`, signal);
		await withdrawForwarding(this.#run, this.#names, await this.#kernel.inspectHost(this.#names.hostTable, signal), signal);
	}

	async #forward(host: HostInspection, signal: AbortSignal): Promise<readonly string[]> {
		failPoint('agent.network.forwarding.before');
		const done = [...(await enableForwarding(this.#kernel)), ...(await acceptForwarding(this.#run, this.#names, host, signal))];
		failPoint('agent.network.forwarding.after');
		this.#forwards = true;
		return done;
	}
}
