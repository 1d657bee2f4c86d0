"""A PostgreSQL server of the tests' own."""

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from loopback import free_port


def _program(name):
    candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(candidates[-1]) if candidates else shutil.which(name)


@pytest.fixture(scope="session")
def postgres_server():
    if _program("initdb") is None or _program("pg_ctl") is None:
        pytest.fail("PostgreSQL is not installed: run requirements/system.sh python3.11 test")
    # PostgreSQL refuses to run as root; its folder must be reachable for the other user, whom the
    # package makes.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="a2c-postgres-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        if user is not None:
            shutil.chown(folder, user)
        port = free_port()

        def run(name, *arguments):
            subprocess.run(
                [_program(name), "-D", str(data), *arguments],
                user=user,
                group=user,
                extra_groups=[] if user else None,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=120,
            )

        run("initdb", "-U", "a2c", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run("pg_ctl", "-o", options, "-l", str(Path(folder) / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg2://a2c@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture
def postgres_url(postgres_server):
    from sqlalchemy import create_engine, text

    name = f"a2c_{uuid.uuid4().hex}"
    admin = create_engine(f"{postgres_server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{postgres_server}/{name}"
