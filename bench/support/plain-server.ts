/**
 * The peer of the API's requests: a bare server of Node.js that answers every request with the same bytes, without a
 * look at it. `node plain-server.ts <file with the bytes>` prints its port.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const body = readFileSync(process.argv[2] ?? '/dev/null');
const server = createServer((_request, response) => {
	response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
	response.end(body);
});
server.listen(0, '127.0.0.1', () => {
	const address = server.address();
	console.log(typeof address === 'object' && address !== null ? address.port : 0);
});
process.once('SIGTERM', () => process.exit(0));
