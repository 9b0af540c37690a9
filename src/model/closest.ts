/** The known word that is most like a mistyped one; null when none is. */
export function closest(wrong: string, known: readonly string[]): string | null {
	let best: string | null = null;
	let distance = Math.max(3, wrong.length / 3);
	for (const name of known) {
		const found = editDistance(wrong.toLowerCase(), name.toLowerCase());
		if (found < distance) [best, distance] = [name, found];
	}
	return best;
}

function editDistance(from: string, to: string): number {
	let row = Array.from({ length: to.length + 1 }, (_, index) => index);
	for (let i = 1; i <= from.length; i++) {
		const next = [i];
		for (let j = 1; j <= to.length; j++) {
			const substituted = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
			next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[to.length] ?? 0;
}
