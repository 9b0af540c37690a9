/** Words that stand for true and false in queries and bodies, as stock clients write them. */
const trueWords = ['True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes'] as const;
const falseWords = ['False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no'] as const;
export const flagWords = [...trueWords, ...falseWords];

const truths: ReadonlySet<string> = new Set(trueWords);

/** A flag that its schema has accepted; missing and null are `otherwise`. */
export function flag(value: string | boolean | null | undefined, otherwise = false): boolean {
	if (value === undefined || value === null) return otherwise;
	return typeof value === 'boolean' ? value : truths.has(value);
}
