/** Commits rows for ever and says each one's number after its commit: `node crash-writer.ts <database> <bytes a row>`. */
import { writeSync } from 'node:fs';
import { Store } from '../../src/store/store.ts';

const [file = '', size = '10'] = process.argv.slice(2);
const store = await Store.open({ path: file });
const value = 'x'.repeat(Number(size));
for (let n = 0; ; n += 1) {
	await store.transaction(async (tx) => {
		await tx
			.insertInto('meta')
			.values({ key: `row-${n}`, value })
			.onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
			.execute();
		await tx
			.insertInto('meta')
			.values({ key: 'count', value: String(n) })
			.onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(n) }))
			.execute();
	});
	writeSync(1, `${n}\n`);
}
