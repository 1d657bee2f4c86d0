"""Alembic's entry: migrations run on the connection that `catalogue.database.migrate` hands over.

The version table has a name of its own, so the catalogue never collides with Airflow's or MLflow's
`alembic_version`, should someone put them into one database.
"""

from alembic import context

from any2caption.datasets.catalogue.tables import Base

VERSION_TABLE = "a2c_alembic_version"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
