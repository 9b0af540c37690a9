/** What a command ends with. `exec` and `run --follow` end with the code of what they ran. */
export const exitCodes = {
	ok: 0,
	failed: 1,
	usage: 2,
	notFound: 3,
	/** The service is down, or cannot be reached. */
	noService: 4,
} as const;

/** An error whose message is for the user: one line that says what is wrong and what to do. */
export class CliError extends Error {
	override readonly name = 'CliError';
	readonly exitCode: number;

	constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
		super(message, options);
		this.exitCode = exitCode;
	}
}

export function usageError(message: string): CliError {
	return new CliError(message, exitCodes.usage);
}
