import { messageOf } from '../model/errors.ts';

/** What was started and must be ended, in the order of its starting. */
export class Stops {
	readonly #ends: (() => Promise<unknown> | unknown)[] = [];
	readonly #failed: (error: unknown) => void;

	constructor(log: { error(facts: object, message: string): void }) {
		this.#failed = (error) => log.error({ error: messageOf(error) }, 'stopping failed');
	}

	add(end: () => Promise<unknown> | unknown): void {
		this.#ends.push(end);
	}

	/** Ends all, the last first, whatever fails. */
	async run(): Promise<void> {
		for (const end of this.#ends.splice(0).reverse()) {
			try {
				await end();
			} catch (error) {
				this.#failed(error);
			}
		}
	}
}
