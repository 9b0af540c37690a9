import type { IdentityManagement } from '../../providers/identity/management.ts';
import type { Api } from '../http/route.ts';
import { installAccess } from './access.ts';
import { assignmentRoutes } from './assignment-routes.ts';
import { authRoutes } from './auth-routes.ts';
import { catalogRoutes } from './catalog-routes.ts';
import { credentialRoutes } from './credential-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { userRoutes } from './user-routes.ts';

export interface IdentityRouteDeps {
	readonly identity: IdentityManagement;
	/** Where clients reach the service, without a slash at its end. */
	readonly publicUrl: () => string;
}

/** What the routes of this folder work with. */
export interface IdentityContext extends IdentityRouteDeps {
	/** URL of the v3 API. */
	readonly base: () => string;
}

/**
 * Keystone v3 at /identity, as far as stock clients need it. To be registered in a scope of its own: its hooks are for
 * its routes alone.
 */
export function identityRoutes(app: Api, deps: IdentityRouteDeps): void {
	const context: IdentityContext = { ...deps, base: () => `${deps.publicUrl()}/identity/v3` };
	installAccess(app, deps.identity);
	authRoutes(app, context);
	catalogRoutes(app, context);
	projectRoutes(app, context);
	userRoutes(app, context);
	assignmentRoutes(app, context);
	credentialRoutes(app, context);
}
