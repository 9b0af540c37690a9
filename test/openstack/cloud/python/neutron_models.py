"""All that Neutron keeps in its database, and how it hangs together: known before the first request is served.

Neutron finds this out with its first request. When that one comes while other parts are still being loaded, attributes of
ports are missing from then on, and every request about ports fails until the next start.
"""
import neutron.db.migration.models.head  # noqa: F401
from sqlalchemy import orm

orm.configure_mappers()
