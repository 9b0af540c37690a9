/** The `zunbox` command: the service's own roles here, everything else in `cli/`, which is loaded only when it is used. */
const [command] = process.argv.slice(2);

if (command === 'serve') {
	const { serve } = await import('./serve.ts');
	await serve();
} else {
	console.error('zunbox: only `zunbox serve` is here yet');
	process.exitCode = 2;
}
