import type { FastifyRequest } from 'fastify';
import type { ContainerView } from '../../control/control.ts';
import { linkBase } from '../http/links.ts';
import { principalOf } from '../http/route.ts';
import type { RouteContext } from '../options.ts';
import { renderContainer } from './render.ts';

/** How containers are shown to the one who asks; `way` is the same text only for those who are shown the same. */
export function containerRenderer(context: RouteContext, request: FastifyRequest, links = true) {
	const admin = context.policy.allows(principalOf(request), 'container:get_one:host');
	const base = links ? linkBase(request, context.options.publicUrl, context.options.pathPrefix) : null;
	return {
		way: `${admin} ${base?.base}`,
		render: (view: ContainerView, created = false) => renderContainer(view, { links: base, admin, created }),
	};
}
