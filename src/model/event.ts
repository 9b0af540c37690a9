/** What happened to a thing: one numbered row, written in the transaction of the change itself. */
export interface Event {
	/** Number of the event; grows, and is what a watcher resumes from. */
	readonly seq: number;
	readonly projectId: string;
	/** Such as `container.status`, `sandbox.created`, `container.pull`, `sandbox.deleted`. */
	readonly kind: string;
	readonly sandboxId: string | null;
	readonly containerId: string | null;
	/** The new status, where the event is a change of status. */
	readonly status: string | null;
	readonly reason: string | null;
	/** Anything else, such as the exit code or the progress of a pull. */
	readonly detail: Readonly<Record<string, unknown>>;
	/** ms since the epoch. */
	readonly createdAt: number;
}

export type NewEvent = Omit<Event, 'seq' | 'createdAt'>;
