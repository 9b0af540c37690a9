import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Api } from './route.ts';

/** ms that running requests may take after the service began to stop. */
const grace = 10_000;

/**
 * Ends what would hold the service when it stops: connections on which nothing is asked (Node itself leaves those open
 * that never had a request, such as a browser keeps ready), and after a time the rest.
 */
export function installGracefulClose(app: Api): void {
	const running = new Map<Socket, number>();
	watchConnections(app.server, running);
	let timer: NodeJS.Timeout | undefined;
	app.addHook('preClose', async () => {
		for (const [socket, requests] of running) if (requests === 0) socket.destroy();
		timer = setTimeout(() => app.server.closeAllConnections(), grace);
		timer.unref();
	});
	app.addHook('onClose', async () => clearTimeout(timer));
}

function watchConnections(server: Server, running: Map<Socket, number>): void {
	server.on('connection', (socket) => {
		running.set(socket, 0);
		socket.once('close', () => running.delete(socket));
	});
	server.on('request', (request, response) => {
		const { socket } = request;
		running.set(socket, (running.get(socket) ?? 0) + 1);
		response.once('close', () => {
			const requests = running.get(socket);
			if (requests !== undefined) running.set(socket, requests - 1);
		});
	});
}
