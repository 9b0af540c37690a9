import { fail } from '../../model/errors.ts';
import { responses } from '../http/responses.ts';
import type { Api } from '../http/route.ts';
import { IdParams } from '../schemas.ts';

/** Where volumes are Cinder's, whoever asks here is told where they are. */
export function volumesElsewhereRoutes(app: Api): void {
	const tell = (): never => {
		throw fail(
			'not-implemented',
			'Volumes are Cinder’s here: make, list and delete them with `openstack volume`, and name them in mounts and in the volumes of a sandbox.',
		);
	};
	const schema = { summary: 'Not served where volumes are Cinder’s', response: responses({}) };
	app.route({ method: 'GET', url: '/v1/volumes', config: { rule: 'volume:get_all' }, schema, handler: tell });
	app.route({ method: 'POST', url: '/v1/volumes', config: { rule: 'volume:create' }, schema, handler: tell });
	const withId = { ...schema, params: IdParams };
	app.route({ method: 'GET', url: '/v1/volumes/:id', config: { rule: 'volume:get_one' }, schema: withId, handler: tell });
	app.route({ method: 'DELETE', url: '/v1/volumes/:id', config: { rule: 'volume:delete' }, schema: withId, handler: tell });
}
